import { capture, runPasses } from '@peft/graph';
import { bertBase, bertStep, emptyWeights } from '@peft/graph/test';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import type { DeviceDescription } from '../../src/device/driver.ts';
import { cudaPasses } from '../../src/plan/cudaPasses.ts';
import { planGraph } from '../../src/plan/planGraph.ts';

const device: DeviceDescription = {
  name: 'a device of 132 multiprocessors',
  architecture: 90,
  multiprocessors: 132,
  sharedMemory: 227 * 1024,
  memory: 140 * 2 ** 30,
  driverVersion: 12080,
};

beforeAll(async () => {
  await tf.setBackend('cpu');
});

it("a LoRA step of BERT-base is less than 400 launches without generated kernels, of the capture's thousands of nodes", () => {
  const { run, inputs, parameters } = bertStep(bertBase, emptyWeights(bertBase));
  const captured = capture(run as never, { inputs, parameters });
  const graph = runPasses(captured, { passes: cudaPasses });
  const { commands, arenaBytes } = planGraph(graph, { device, precision: 'bf16', hasProductLibrary: true });
  expect(captured.nodes.length).toBeGreaterThan(2000);
  expect(graph.nodes.length).toBeGreaterThan(900);
  expect(commands.length).toBeLessThan(380);
  // 1,024 tokens: about 17 bf16 tensors of hidden size a layer, half of them kept for the backward pass.
  expect(arenaBytes / 2 ** 20).toBeLessThan(230);
});
