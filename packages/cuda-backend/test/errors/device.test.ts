import { hostArray, type StepFunction, Weights } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { CudaEngine } from '../../src/cudaEngine.ts';
import { codeAndMessage, doubling, noWeights, programOf, settled, valuesOf } from '../engine/programOf.ts';
import { simulatedEngine } from '../engine/simulatedEngine.ts';
import { simulated } from '../simulator/simulated.ts';
import { simulatedControl } from '../simulator/simulatedLibraries.ts';

/** CUDA_ERROR_… */
const [illegalAddress, launchFailed, outOfMemory, outOfResources] = [700, 719, 2, 701];

simulated('errors of the simulated device', () => {
  const engines: CudaEngine[] = [];
  const engineOf = (options: Parameters<typeof simulatedEngine>[0] = {}) => {
    const engine = simulatedEngine(options);
    engines.push(engine);
    return engine;
  };

  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  beforeEach(() => simulatedControl().configure());

  afterEach(async () => {
    for (const engine of engines.splice(0)) engine.dispose();
    await settled();
    expect(Object.values(simulatedControl().liveObjects())).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });

  it('in a launch name the operation, and the next try is whole', async () => {
    const program = await programOf(engineOf(), { doubling }, { value: tf.tensor1d([1, 2]) });
    simulatedControl().plant('cuLaunchKernel', { nth: 2, status: outOfResources });
    const said = await program.run('doubling', { by: 2 }).catch(codeAndMessage);
    expect(said).toMatch(
      /^cuda\/driver: 1 Sum: cuLaunchKernel of .* \(.* blocks of .* threads, .* bytes of shared memory\) fails with CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES/,
    );
    expect((await program.run('doubling', { by: 2 })).metrics).toEqual({ sum: 6 });
    program.dispose();
  });

  it('in a run reject all that were under way, and every later one says that the device was lost', async () => {
    const program = await programOf(engineOf(), { doubling }, { value: tf.tensor1d([1, 2]) });
    await program.run('doubling', { by: 2 });
    simulatedControl().plant('cuEventQuery', { status: illegalAddress });
    const ends = await Promise.allSettled([2, 3].map((by) => program.run('doubling', { by })));
    for (const end of ends) {
      expect(end.status === 'rejected' && codeAndMessage(end.reason)).toMatch(
        /^cuda\/context-lost: cuEventQuery fails with CUDA_ERROR_ILLEGAL_ADDRESS .*; work that was put in before is to blame, and this process can use the device no more: start it again\.$/,
      );
    }
    program.dispose();
  });

  it('name the operation of a run that loses the device where graphs are off', async () => {
    const program = await programOf(engineOf({ graphs: false }), { doubling }, { value: tf.tensor1d([1, 2]) });
    await program.run('doubling', { by: 2 });
    simulatedControl().plant('cuStreamSynchronize', { status: launchFailed });
    const said = await program.run('doubling', { by: 2 }).catch(codeAndMessage);
    expect(said).toMatch(/^cuda\/context-lost: 0 Multiply: cuStreamSynchronize fails with CUDA_ERROR_LAUNCH_FAILED/);
    program.dispose();
  });

  it('of memory are foretold before anything is allocated, with what needs how much', async () => {
    simulatedControl().configure({ memory: 36 * 2 ** 20 });
    const weights = new Weights([['w', hostArray(new Float32Array(2 ** 19), [2 ** 9, 2 ** 10])]]);
    const step: StepFunction = ({ value }, { x }) => {
      const y = tf.matMul(x as tf.Tensor2D, weights.tensor('w') as tf.Tensor2D);
      return { state: { value: tf.add(value as tf.Tensor, 1) }, metrics: { sum: tf.sum(y) as tf.Scalar } };
    };
    const program = await engineOf().compile({ step }, weights);
    const state = { value: tf.zeros([2 ** 16]) };
    await program.bind(state);
    const run = (rows: number) =>
      program.run('step', { x: hostArray(new Float32Array(rows * 2 ** 9), [rows, 2 ** 9]) });
    const said = await run(1024).catch(codeAndMessage);
    expect(said).toMatch(
      /^cuda\/out-of-memory: "step" does not fit on simulated device: weights 2\.0 MiB, state 262144 bytes, results of operations [\d.]+ MiB, inputs and outputs [\d.]+ MiB, tables and workspace 32\.0 MiB; [\d.]+ MiB of that are not there yet, and 36\.0 MiB of 36\.0 MiB are free\. Make batches smaller, pass a memoryBudget, or end other programs that use the device\.$/,
    );
    expect(simulatedControl().calls('cuMemAlloc_v2')).toBe(0);
    expect((await run(1)).metrics).toEqual({ sum: 0 });
    expect(((await program.state()) as { value: tf.Tensor }).value.dataSync()[0]).toBe(1);
    program.dispose();
    weights.dispose();
  });

  it('of memory that nobody foretold leave nothing behind, and the next try is whole', async () => {
    for (const nth of [1, 2, 3, 4]) {
      const weights = new Weights([['w', hostArray([2], [1])]]);
      const scaled: StepFunction = ({ value }) => ({
        state: { value: tf.mul(value as tf.Tensor, weights.tensor('w')) },
        metrics: {},
      });
      const program = await engineOf().compile({ scaled }, weights);
      await program.bind({ value: tf.tensor1d([3]) });
      simulatedControl().plant('cuMemAlloc_v2', { nth, status: outOfMemory });
      expect([nth, await program.run('scaled', {}).catch(codeAndMessage)]).toEqual([
        nth,
        expect.stringMatching(/^cuda\/out-of-memory: simulated device has 4\.00 GiB free of 4\.00 GiB, and /),
      ]);
      await program.run('scaled', {});
      expect(await valuesOf(await program.state())).toEqual({ value: [6] });
      program.dispose();
      weights.dispose();
    }
  });

  it('of copies reach who waits for them', async () => {
    const program = await programOf(engineOf(), { doubling }, { value: tf.tensor1d([1, 2]) });
    simulatedControl().plant('cuMemcpyHtoDAsync_v2', { status: 999 });
    expect(await program.run('doubling', { by: 2 }).catch(codeAndMessage)).toMatch(
      /^cuda\/driver: cuMemcpyHtoDAsync of 8 bytes fails with CUDA_ERROR_UNKNOWN/,
    );
    expect((await program.run('doubling', { by: 2 })).metrics).toEqual({ sum: 6 });
    simulatedControl().plant('cuMemcpyDtoHAsync_v2', { status: 999 });
    const { value } = (await program.state()) as { value: tf.Tensor };
    expect(await value.data().catch(codeAndMessage)).toMatch(/^cuda\/driver: cuMemcpyDtoHAsync of 8 bytes fails/);
    expect([...(await value.data())]).toEqual([2, 4]);
    simulatedControl().plant('cuGraphLaunch', { status: 999 });
    expect(await program.run('doubling', { by: 2 }).catch(codeAndMessage)).toMatch(
      /^cuda\/driver: cuGraphLaunch fails/,
    );
    expect((await program.run('doubling', { by: 2 })).metrics).toEqual({ sum: 12 });
    program.dispose();
  });

  it('at opening are said with the command that shows the whole machine, and the next use tries again', async () => {
    const engine = engineOf();
    simulatedControl().plant('cuDeviceGetCount', { status: 100 });
    const refused = engine.compile({ doubling }, noWeights());
    expect(await refused.catch(codeAndMessage)).toBe(
      'cuda/driver: cudaEngine cannot open here: cuDeviceGetCount fails with CUDA_ERROR_NO_DEVICE (no CUDA-capable device is detected); no NVIDIA device is visible; see nvidia-smi and CUDA_VISIBLE_DEVICES.\nTo see all that is there and what is missing, run: npx peft-cuda doctor',
    );
    await engine.open?.();
  });
});
