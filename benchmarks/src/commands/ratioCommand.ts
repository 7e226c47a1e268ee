import { PeftError } from '@peft/core';
import { isTorch, type RivalName, torchModes } from '../contest/contestants.ts';
import { waitForIdleMachine } from '../contest/idleMachine.ts';
import type { Peer } from '../contest/peer.ts';
import { ourPeer, rivalPeer } from '../contest/peers.ts';
import { takeTurns } from '../contest/takeTurns.ts';
import { timingsOf } from '../contest/timings.ts';
import type { Method } from '../step/assignment.ts';
import { writeFigures } from '../step/figuresFile.ts';
import { stepOptions } from '../step/stepOptions.ts';
import type { Measure } from '../step/stepRow.ts';
import { circumstancesNow } from './circumstancesNow.ts';
import type { Command } from './command.ts';

const defaults = ['--model', 'bert-base', '--targets', 'all-linear'];
const seconds = 900;

export const ratioCommand: Command = {
  title: 'the step of a method over that of LoRA at the same rank and targets',
  help: `The step of a method over that of LoRA, same rank and targets, in turns; of rivals too.

  pnpm bench ratio adalora [options of step]   by default ${defaults.join(' ')}`,
  async run([method = '', ...args]) {
    if (!['adalora', 'cola', 'cola-adalora'].includes(method)) {
      throw new PeftError('bench/options', `bench ratio: "${method}" is none of adalora, cola, cola-adalora.`);
    }
    const options = stepOptions([...defaults, ...args]);
    const { acceptsBusy, idleTimeout, engine, against, rounds, json } = options;
    const log = (line: string) => console.error(line);
    if (!acceptsBusy) await waitForIdleMachine({ timeoutSeconds: idleTimeout, log });
    const peers: Peer[] = [];
    const prepared = async (name: RivalName, which: Method) => {
      log(`${name} prepares ${which}`);
      const peer = name === engine ? ourPeer(name) : rivalPeer(name);
      peers.push(peer);
      const who = isTorch(name) ? { mode: torchModes[name] } : { engine: name };
      await peer.ask({ do: 'prepare', ...who, assignment: { ...options.assignment, method: which } }, seconds);
      const turn = async () => (await peer.ask<{ ms: number }>({ do: 'step' }, seconds)).ms;
      return { name: `${name} ${which}`, pid: peer.pid, turn };
    };
    try {
      const names: readonly RivalName[] = [engine, ...against];
      const contestants = [];
      for (const name of names) {
        for (const which of [method as Method, 'lora' as const]) contestants.push(await prepared(name, which));
      }
      if (!acceptsBusy) await waitForIdleMachine({ timeoutSeconds: idleTimeout, log });
      const { times } = await takeTurns(contestants, { rounds, acceptsBusy, log });
      const timings = Object.fromEntries([...times].map(([name, each]) => [name, timingsOf(each)]));
      const ratioOf = (name: RivalName) => {
        const [own, plain] = [timings[`${name} ${method}`], timings[`${name} lora`]];
        return (own?.medianMs as number) / (plain?.medianMs as number);
      };
      const said = (name: RivalName) => {
        const [own, plain] = [timings[`${name} ${method}`], timings[`${name} lora`]];
        return `${name} ${ratioOf(name).toFixed(3)} (${own?.medianMs.toFixed(0)} over ${plain?.medianMs.toFixed(0)} ms)`;
      };
      const measure: Measure = {
        id: `ratio-${method}`,
        model: options.model,
        engine,
        value: ratioOf(engine),
        said: names.map(said).join('; '),
        details: { timings, ratios: Object.fromEntries(names.map((name) => [name, ratioOf(name)])) },
        acceptedBusy: acceptsBusy,
        circumstances: circumstancesNow(`ratio ${method}`, args),
      };
      console.log(`${method} over lora: ${measure.said}`);
      if (json) writeFigures(json, { rows: [], measures: [measure] });
      return 0;
    } finally {
      for (const peer of peers) await peer.close();
    }
  },
};
