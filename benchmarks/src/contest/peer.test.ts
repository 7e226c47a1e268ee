import { expect, test } from 'vitest';
import { Peer } from './peer.ts';

const peerOf = (script: string) => new Peer({ name: 'rival', command: process.execPath, args: ['-e', script] });
const echo = `
  process.stdin.on('data', (text) => {
    for (const line of String(text).trim().split('\\n')) {
      const request = JSON.parse(line);
      if (request.do === 'fail') console.log(JSON.stringify({ error: 'no such model' }));
      else if (request.do === 'die') { console.error('out of memory'); process.exit(3); }
      else if (request.do !== 'hang') console.log(JSON.stringify({ heard: request.value }));
    }
  });`;

test('a peer answers one request after another, also after an error', async () => {
  const peer = peerOf(echo);
  expect(await peer.ask({ do: 'say', value: 7 }, 20)).toEqual({ heard: 7 });
  await expect(peer.ask({ do: 'fail' }, 20)).rejects.toThrow('rival: no such model');
  expect(await peer.ask({ do: 'say', value: 8 }, 20)).toEqual({ heard: 8 });
  await peer.close();
  await expect(peer.ask({ do: 'say' }, 20)).rejects.toThrow('rival: ended by ');
});

test('a peer that ends says how, with its last words', async () => {
  const peer = peerOf(echo);
  await expect(peer.ask({ do: 'die' }, 20)).rejects.toThrow('rival: ended by status 3\n  out of memory');
});

test('a peer that does not answer in time is ended', async () => {
  const peer = peerOf(echo);
  await expect(peer.ask({ do: 'hang' }, 0.2)).rejects.toThrow('rival: "hang" took longer than 0.2 s');
  await peer.close();
});

test('a program that is not there', async () => {
  const peer = new Peer({ name: 'rival', command: 'no-such-program-anywhere', args: [] });
  await expect(peer.ask({ do: 'say' }, 20)).rejects.toThrow('rival: could not start: spawn no-such-program-anywhere');
});
