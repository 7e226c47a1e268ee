import {
  type AnyModel,
  adaptedAt,
  type Engine,
  type HostArray,
  type HostBatch,
  leavesOf,
  type Program,
  rowTensors,
  type Snapshot,
  type StepFunction,
  type TensorBatch,
  type TokenTable,
  type Tree,
  treeOf,
  type Weights,
  withRows,
} from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { type Weighted, weightedSum } from './weightedSum.ts';

/** Programs kept at a time; each is one structure of adapters, which any adapters of that structure share. */
const programLimit = 8;

type Compiled = {
  readonly key: string;
  readonly weights: Weights;
  readonly program: Program<'predict'>;
  /** By leaf path, what is bound: tensors of an adapter, and the program's own clones of them. */
  bound: ReadonlyMap<string, { readonly source: tf.Tensor; readonly clone: tf.Tensor }> | undefined;
};

type Tensors = Readonly<Record<string, tf.Tensor>>;
type State = { readonly params: Tree; readonly state: Snapshot; readonly trained: Tensors; readonly rows: Tensors };

/**
 * A model's forward pass on an engine, with adapters as its state: other weights and other adapters of the same shapes
 * are bound anew, another structure is compiled once. Calls must follow one another.
 */
export class AdapterPrograms {
  readonly #model: AnyModel;
  readonly #engine: Engine;
  /** The last used comes last. */
  #compiled: readonly Compiled[] = [];
  readonly #numbers = new WeakMap<object, number>();
  #count = 0;

  constructor(model: AnyModel, engine: Engine) {
    this.#model = model;
    this.#engine = engine;
  }

  /** The output for a batch with these adapters on the weights. */
  async run(weights: Weights, parts: readonly Weighted[], batch: HostBatch): Promise<HostArray> {
    const { strategy, targets, adapter, trained, tokenRows } = weightedSum(this.#model, parts);
    const rows = rowTensors(tokenRows);
    const own = [adapter.state.weights ?? {}, trained, rows] as tf.TensorContainer[];
    try {
      const state: State = { ...adapter, trained, rows };
      const compiled = await this.#programFor(weights, this.#keyOf(parts, state, tokenRows), () => {
        const predict: StepFunction = (snapshot, inputs) => {
          const { params = {}, state = {}, trained = {}, rows = {} } = snapshot as Partial<State>;
          const at = adaptedAt({
            weights,
            modules: this.#model.targets,
            strategy,
            targets,
            adapter: { params, state },
            trained,
            tokenRows: withRows(tokenRows, rows),
          });
          return {
            state: snapshot,
            metrics: {},
            outputs: { output: this.#model.apply(inputs.batch as TensorBatch, at) },
          };
        };
        return this.#engine.compile({ predict }, weights);
      });
      await bind(compiled, state);
      const { outputs } = await compiled.program.run('predict', { batch });
      return outputs.output as HostArray;
    } finally {
      tf.dispose(own);
    }
  }

  /** Frees the programs over these weights. */
  forget(weights: Weights): void {
    for (const { program } of this.#compiled.filter((each) => each.weights === weights)) program.dispose();
    this.#compiled = this.#compiled.filter((each) => each.weights !== weights);
  }

  dispose(): void {
    for (const { program } of this.#compiled) program.dispose();
    this.#compiled = [];
  }

  async #programFor(weights: Weights, key: string, compile: () => Promise<Program<'predict'>>): Promise<Compiled> {
    const known = this.#compiled.find((each) => each.key === key && each.weights === weights);
    const compiled = known ?? { key, weights, program: await compile(), bound: undefined };
    const all = [...this.#compiled.filter((each) => each !== compiled), compiled];
    for (const { program } of all.slice(0, -programLimit)) program.dispose();
    this.#compiled = all.slice(-programLimit);
    return compiled;
  }

  /** What a program depends on: strategies, what they adapt, and the shapes of their tensors. */
  #keyOf(parts: readonly Weighted[], state: State, tokenRows: Readonly<Record<string, TokenTable>>): string {
    const tables = Object.entries(tokenRows).map(([table, { ids, heads }]) => [table, ids, heads]);
    const methods = parts.map(({ prepared }) => [
      this.#numberOf(prepared.strategy),
      prepared.trained.targets.map(({ path }) => path),
    ]);
    const leaves = leavesOf(state as Snapshot).map(([path, leaf]) => [
      path,
      typeof leaf === 'number' ? leaf : leaf.shape,
    ]);
    return JSON.stringify([methods, leaves, tables]);
  }

  #numberOf(strategy: object): number {
    const number = this.#numbers.get(strategy) ?? this.#count++;
    this.#numbers.set(strategy, number);
    return number;
  }
}

/** Binds clones, which belong to the program; those of tensors that it has already stay. */
async function bind(compiled: Compiled, state: State): Promise<void> {
  const { bound, program } = compiled;
  const next = new Map<string, { readonly source: tf.Tensor; readonly clone: tf.Tensor }>();
  let isSame = bound !== undefined;
  const leaves = leavesOf(state as Snapshot).map(([path, source]): [string, tf.Tensor | number] => {
    if (typeof source === 'number') return [path, source];
    const known = bound?.get(path);
    const isKept = known !== undefined && known.source === source && !known.clone.isDisposed;
    const pair = isKept ? known : { source, clone: tf.clone(source) };
    isSame &&= isKept;
    next.set(path, pair);
    return [path, pair.clone];
  });
  if (isSame) return;
  await program.bind(treeOf(leaves));
  compiled.bound = next;
}
