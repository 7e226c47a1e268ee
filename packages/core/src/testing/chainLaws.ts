import { fold } from '@peft/ops';
import { fromTensor, type HostArray } from '../hostArray.ts';
import { mergeInto } from '../mergeInto.ts';
import type { AnyModel } from '../model.ts';
import type { AnyStrategy } from '../strategy.ts';
import { writeRows } from '../tokenRows.ts';
import type { FineTuneOptions } from '../training/fineTune.ts';
import type { TrainingState } from '../training/trainingState.ts';
import { Weights } from '../weights.ts';
import { requireClose, requireSameSnapshot } from './equality.ts';
import { fixedBatches, LawRun, toyBatches } from './lawRun.ts';
import { type Law, withRun } from './strategyLaws.ts';
import { toyModel } from './toyModel.ts';

/** Makes a chain from the strategy of each link: what `cola` does. */
export type MakeChain = (
  link: (index: number) => AnyStrategy,
  options: { readonly steps: readonly number[]; readonly restart: 'targets' | 'all' },
) => AnyStrategy;

/**
 * What a chain is, over any link: one link alone, and its links run one after another. Dropout must be off.
 * @param run options of the toy runs, such as the engine
 */
export function chainLaws(
  chain: MakeChain,
  link: (index: number) => AnyStrategy,
  run: Partial<FineTuneOptions> = {},
): readonly Law[] {
  const rows = { trainableTokens: [5, 0, 2], targets: ['query', 'head'] } as const;
  const whole = { modulesToSave: ['head'], bias: 'adapted', targets: ['embed', 'query'] } as const;
  return [
    {
      name: 'law 10: a chain of one link is the link, step for step',
      check: async () => {
        const alone = await statesOf(new LawRun(link(0), run));
        const chained = await statesOf(new LawRun(chain(link, { steps: [6], restart: 'targets' }), run));
        for (const [index, state] of alone.entries()) {
          requireSameSnapshot(adapterOf(chained[index] as TrainingState), adapterOf(state), {
            what: `step ${index + 1}`,
          });
        }
      },
    },
    {
      name: 'law 11: a chain is its links run one after another, bit for bit',
      check: () => checkSequence(chain, link, { steps: [3, 4, 2], restart: 'targets', options: run }),
    },
    {
      name: "law 11 with head and biases, under restart: 'all'",
      check: () => checkSequence(chain, link, { steps: [3, 3], restart: 'all', options: { ...whole, ...run } }),
    },
    {
      name: "law 11 with rows of an embedding, under restart: 'all'",
      check: () => checkSequence(chain, link, { steps: [3, 3], restart: 'all', options: { ...rows, ...run } }),
    },
  ];
}

type Sequence = {
  readonly steps: readonly number[];
  readonly restart: 'targets' | 'all';
  readonly options: Partial<FineTuneOptions>;
};

async function checkSequence(
  chain: MakeChain,
  link: (index: number) => AnyStrategy,
  { steps, restart, options }: Sequence,
) {
  const seed = 5;
  const total = steps.reduce((sum, length) => sum + length, 0);
  const chained = new LawRun(chain(link, { steps, restart }), { ...options, seed, steps: total });
  const ends = new Map<number, TrainingState>();
  await withRun(chained, async () => {
    await chained.run(async (step) => void ends.set(step, await chained.trainer.state()));
    const final = await weightsAfter(chained);
    let model = toyModel();
    let start = 0;
    for (const [index, length] of steps.entries()) {
      const alone = new LawRun(
        link(index),
        {
          ...options,
          steps: length,
          seed: index === 0 ? seed : fold(seed, index),
          data: fixedBatches(toyBatches(), start),
        },
        model,
      );
      await withRun(alone, async () => {
        await alone.run(async (step) => {
          if (step === length && index < steps.length - 1) return;
          const state = ends.get(start + step) as TrainingState;
          requireSameSnapshot(adapterOf(state), adapterOf(await alone.trainer.state()), {
            what: `link ${index}, step ${step}`,
          });
        });
        const weights = await weightsAfter(alone);
        if (index === steps.length - 1) {
          for (const [path, array] of weights) {
            requireClose((final.get(path) as HostArray).data as Float32Array, array.data as Float32Array, {
              what: path,
            });
          }
        }
        model = withWeights(weights);
      });
      start += length;
    }
    model.weights.dispose();
  });
}

async function statesOf(law: LawRun): Promise<readonly TrainingState[]> {
  const states: TrainingState[] = [];
  await withRun(law, () => law.run(async () => void states.push(await law.trainer.state())));
  return states;
}

/** Parameters alone: a chain wraps the state of its link, and counts the steps of the run. */
function adapterOf({ tensors }: TrainingState) {
  return Object.fromEntries(
    Object.entries(tensors).filter(([path]) =>
      ['adapter', 'trained', 'tokenRows', 'slots'].includes(path.split('/')[0] as string),
    ),
  );
}

/** Every weight as the run leaves it: links merged, trained parameters in place. */
async function weightsAfter(law: LawRun): Promise<ReadonlyMap<string, HostArray>> {
  const { weights, adapter, trained, tokenRows } = await law.trainer.current();
  const merged = weights.fork();
  for (const [table, rows] of Object.entries(tokenRows)) await writeRows(merged, table, rows);
  const targets = law.trainer.targets;
  await mergeInto(merged, { strategy: law.strategy, adapter, targets }, law.engine);
  const arrays = new Map(merged.paths.map((path) => [path, merged.get(path)] as const));
  merged.dispose();
  for (const [path, tensor] of Object.entries(trained)) arrays.set(path, await fromTensor(tensor));
  return arrays;
}

function withWeights(arrays: ReadonlyMap<string, HostArray>): AnyModel {
  return { ...toyModel(), weights: new Weights(arrays) };
}
