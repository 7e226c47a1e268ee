import * as tf from '@tensorflow/tfjs';
import { type AdaptedAtOptions, adaptedAt } from '../adaptedAt.ts';
import type { Engine } from '../engine.ts';
import { type HostArray, toTensor } from '../hostArray.ts';
import { mergeInto } from '../mergeInto.ts';
import type { AnyModel } from '../model.ts';
import { adamw } from '../optimizers/adamw.ts';
import type { AnyAdapter, AnyStrategy } from '../strategy.ts';
import { writeRows } from '../tokenRows.ts';
import type { DataSource } from '../training/dataSource.ts';
import type { TrainEvent } from '../training/events.ts';
import type { FineTuneOptions } from '../training/fineTune.ts';
import { type HostBatch, regression } from '../training/loss.ts';
import { Trainer } from '../training/trainer.ts';
import { toyData, toyModel } from './toyModel.ts';

/** A toy run that a law looks into between its steps. */
export class LawRun {
  readonly model: AnyModel;
  readonly trainer: Trainer;
  readonly events: TrainEvent[] = [];
  readonly strategy: AnyStrategy;
  readonly engine: Engine | undefined;
  readonly #probe: Readonly<Record<string, HostArray>>;

  constructor(strategy: AnyStrategy, options: Partial<FineTuneOptions> = {}, model: AnyModel = toyModel()) {
    this.model = model;
    this.strategy = strategy;
    this.engine = options.engine;
    this.#probe = { ids: toyData(9, 5).ids };
    this.trainer = new Trainer(model, {
      strategy,
      targets: ['embed', 'query', 'head'],
      loss: regression(),
      data: fixedBatches(toyBatches()),
      steps: 6,
      optimizer: adamw(),
      schedule: (step, totalSteps) => 0.02 * (1 - step / (2 * totalSteps)),
      seed: 5,
      progress: false,
      onWarning: () => {},
      ...options,
    });
  }

  /** Prepares, runs to the end, and calls back after every step. */
  async run(afterStep: (step: number) => Promise<void> | void = () => {}): Promise<void> {
    await this.trainer.prepare((event) => this.events.push(event));
    while (!this.trainer.isDone) {
      await this.step();
      await afterStep(this.trainer.step);
    }
  }

  async step(): Promise<void> {
    await this.trainer.runStep((event) => this.events.push(event));
  }

  get losses(): readonly number[] {
    return this.events.flatMap((event) => (event.type === 'step' ? [event.loss] : []));
  }

  /** Steps after which an effect of this kind was carried out. */
  stepsWith(effect: 'merge' | 'restart' | 'select'): readonly number[] {
    return this.events.flatMap((event) => (event.type === 'effect' && event.effect === effect ? [event.step] : []));
  }

  /** Output on the probe batch, through `forward` with this adapter or the current one. */
  async outputs(given?: AnyAdapter): Promise<Float32Array> {
    const { weights, adapter, trained, tokenRows } = await this.trainer.current();
    const { targets } = this;
    return this.#apply({ weights, strategy: this.strategy, adapter: given ?? adapter, targets, trained, tokenRows });
  }

  /** Output on the probe batch with the current adapter merged into a copy of the weights. */
  async mergedOutputs(): Promise<Float32Array> {
    const { weights, adapter, trained, tokenRows } = await this.trainer.current();
    const merged = weights.fork();
    for (const [table, rows] of Object.entries(tokenRows)) await writeRows(merged, table, rows);
    await mergeInto(merged, { strategy: this.strategy, adapter, targets: this.targets }, this.engine);
    const output = await this.#apply({ weights: merged, trained });
    merged.dispose();
    return output;
  }

  async baseOutputs(): Promise<Float32Array> {
    return this.#apply({ weights: this.model.weights });
  }

  get targets() {
    return this.trainer.targets;
  }

  async #apply(options: Omit<AdaptedAtOptions, 'modules'>) {
    const output = tf.tidy(() => {
      const batch = Object.fromEntries(Object.entries(this.#probe).map(([name, array]) => [name, toTensor(array)]));
      return this.model.apply(batch, adaptedAt({ modules: this.model.targets, ...options }));
    });
    const values = (await output.data()) as Float32Array;
    output.dispose();
    return values.slice();
  }
}

/** Four batches of six examples of the toy task. */
export function toyBatches(): readonly HostBatch[] {
  const { ids, targets } = toyData();
  return Array.from({ length: 4 }, (_, index) => ({
    ids: { ...ids, shape: [6, 2], data: (ids.data as Int32Array).slice(index * 12, index * 12 + 12) },
    targets: { ...targets, shape: [6, 2, 3], data: (targets.data as Float32Array).slice(index * 36, index * 36 + 36) },
  }));
}

/** These batches over and over in this order, whatever the seed, from the one at `offset` on. */
export function fixedBatches(batches: readonly HostBatch[], offset = 0): DataSource {
  return {
    batchesPerEpoch: batches.length,
    *batches(_epoch, _seed, skip) {
      for (let index = skip; index < batches.length; index++)
        yield batches[(index + offset) % batches.length] as HostBatch;
    },
  };
}
