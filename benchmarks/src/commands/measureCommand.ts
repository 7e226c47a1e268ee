import { waitForIdleMachine } from '../contest/idleMachine.ts';
import type { Peer } from '../contest/peer.ts';
import { ourPeer } from '../contest/peers.ts';
import { writeFigures } from '../step/figuresFile.ts';
import { type StepOptions, stepOptions } from '../step/stepOptions.ts';
import type { Measure } from '../step/stepRow.ts';
import { circumstancesNow } from './circumstancesNow.ts';
import type { Command } from './command.ts';

/** Seconds that a measurement may take in its process. */
const seconds = 900;

export type MeasureCall = {
  readonly options: StepOptions;
  /** Asks a worker process of its own, which ends with the command. */
  ask<T extends Readonly<Record<string, unknown>>>(question: string): Promise<T>;
};

/** A command whose figure is not a step time, with the options of `step`; `id` is its word and its key in files. */
export function measureCommand(call: {
  readonly id: string;
  readonly title: string;
  /** Options that come before the user's own. */
  readonly defaults: readonly string[];
  measure(call: MeasureCall): Promise<Pick<Measure, 'value' | 'said' | 'details'>>;
}): Command {
  const { id, title, defaults } = call;
  return {
    title,
    help: `${title}\n\n  pnpm bench ${id} [options of step]   by default ${defaults.join(' ')}`,
    async run(args) {
      const options = stepOptions([...defaults, ...args]);
      const { acceptsBusy, idleTimeout, engine, assignment, json } = options;
      const log = (line: string) => console.error(line);
      if (!acceptsBusy) await waitForIdleMachine({ timeoutSeconds: idleTimeout, log });
      const peers: Peer[] = [];
      try {
        const figure = await call.measure({
          options,
          ask: (question) => {
            const peer = ourPeer(id);
            peers.push(peer);
            return peer.ask({ do: question, engine, assignment }, seconds);
          },
        });
        const measure: Measure = {
          id,
          model: options.model,
          engine,
          ...figure,
          acceptedBusy: acceptsBusy,
          circumstances: circumstancesNow(id, args),
        };
        console.log(`${id}: ${measure.said}`);
        if (json) writeFigures(json, { rows: [], measures: [measure] });
        return 0;
      } finally {
        for (const peer of peers) await peer.close();
      }
    },
  };
}
