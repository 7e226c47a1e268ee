import { fileURLToPath } from 'node:url';
import { isTorch, type RivalName } from './contestants.ts';
import { Peer } from './peer.ts';
import { rivalPython, rivalScript } from './pythonEnvironment.ts';

/** A process of ours: an engine, or whatever else a worker can be asked. */
export function ourPeer(name: string): Peer {
  const worker = fileURLToPath(new URL('./worker.js', import.meta.url));
  return new Peer({ name, command: process.execPath, args: ['--expose-gc', '--max-old-space-size=24000', worker] });
}

/** The process of a rival, not yet prepared. */
export function rivalPeer(name: RivalName): Peer {
  if (!isTorch(name)) return ourPeer(name);
  // Python's caches of compiled code stay where the user keeps them; warnings of a first compile are no news.
  return new Peer({ name, command: rivalPython(), args: ['-W', 'ignore', rivalScript] });
}
