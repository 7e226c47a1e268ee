// Microseconds that a step costs the host beside the driver's own calls: node ../../scripts/runSource.mjs bench/hostTime.ts
import { adamw, type Engine, fineTune, type HostBatch, hostArray, regression, type StepResult } from '@peft/core';
import { toyModel } from '@peft/core/testing';
import { lora } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { planGraph } from '../src/plan/planGraph.ts';
import { CudaProgram } from '../src/program/cudaProgram.ts';
import { EngineDevice } from '../src/program/engineDevice.ts';
import { idleDriver, idleKernels } from './idleDriver.ts';

const steps = 4000;

await tf.setBackend('cpu');

const driver = idleDriver();
const device = new EngineDevice({
  driver,
  kernels: idleKernels(),
  planOf: (graph) => planGraph(graph, { device: driver.device, precision: 'bf16', hasProductLibrary: true }),
  products: { workspaceBytes: 2 ** 25, prepare: () => ({ run: () => {} }), close: () => {} },
});

const [called, ended]: [number[], number[]] = [[], []];
const engine: Engine = {
  name: 'idle',
  async compile(functions, weights) {
    const program = new CudaProgram(functions, weights, device);
    const run = program.run.bind(program);
    program.run = (name, inputs): Promise<StepResult> => {
      const began = performance.now();
      const end = run(name, inputs);
      called.push(performance.now() - began);
      return end.finally(() => ended.push(performance.now() - began));
    };
    return program;
  },
};

const tokens = 2;
const batch: HostBatch = {
  ids: hostArray(new Int32Array(6 * tokens), [6, tokens]),
  targets: hostArray(new Float32Array(18 * tokens), [6, tokens, 3]),
};
const before = process.cpuUsage();
const run = fineTune(toyModel(), {
  strategy: lora({ rank: 2 }),
  targets: ['embed', 'query', 'head'],
  loss: regression(),
  data: { batchesPerEpoch: 1, batches: () => [batch] },
  steps,
  optimizer: adamw(),
  schedule: 1e-3,
  progress: false,
  onWarning: () => {},
  engine,
});
(await run.result).dispose();
const { user, system } = process.cpuUsage(before);

const late = (times: readonly number[]) => [...times].slice(times.length / 2).sort((a, b) => a - b);
const median = (times: readonly number[]) =>
  (1000 * (late(times)[Math.floor(late(times).length / 2)] as number)).toFixed(1);
console.log(`${steps} steps of LoRA, median of the later half, in microseconds:`);
console.log(`  ${median(called)} until run() returns: inputs packed, graph and copies put in the stream`);
console.log(`  ${median(ended)} until its promise is fulfilled: a turn of the event loop included`);
console.log(`  ${((user + system) / steps).toFixed(1)} of processor time for a whole step of fineTune, on average`);
