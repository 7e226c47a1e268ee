import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { type InputTensors, type OnnxModel, replay, toDynamicOnnx, toOnnx, type Value } from '../src/index.ts';
import { dynamicCases, dynamicInputs } from './dynamicCases.ts';
import { type OnnxCase, operationCases, stepCases } from './onnxCases.ts';

/** Set, it names a folder that receives every case for fixtures/python/onnx_graphs.py. */
const folder = process.env.PEFT_ONNX_CASES;

const verified = () =>
  JSON.parse(readFileSync(new URL('./__fixtures__/onnxVerified.json', import.meta.url), 'utf8')) as {
    readonly operations: Readonly<Record<string, string>>;
  };

it('every operation is written, byte for byte, as ONNX Runtime gave the values of a replay for', async () => {
  await tf.setBackend('cpu');
  const hashes: Record<string, string> = {};
  for (const each of operationCases()) {
    const model = toOnnx(each.graph, { weights: 'inputs' });
    hashes[each.name] = hashOf(model.model);
    if (folder) writeCase(folder, each, model);
    const own = toOnnx(each.graph, { weights: 'inputs', dialect: 'onnxruntime' });
    const name = `${each.name}-onnxruntime`;
    if (hashOf(own.model) === hashes[each.name]) continue;
    hashes[name] = hashOf(own.model);
    if (folder) writeCase(folder, { ...each, name }, own);
  }
  if (!folder) expect(hashes, 'run fixtures/python/onnx_graphs.py over the new models').toEqual(verified().operations);
  if (!folder) return;
  for (const [name, { dimensions, graphAt, runs }] of Object.entries(dynamicCases)) {
    const model = toDynamicOnnx(graphAt, { dimensions, weights: 'inside' });
    for (const sizes of runs) {
      const graph = graphAt(sizes);
      const inputs = dynamicInputs(graph);
      writeCase(folder, { name: `dynamic-${name}-${Object.values(sizes).join('x')}-sizes`, graph, inputs }, model);
      tf.dispose(inputs);
    }
  }
  await stepCases((each) => {
    writeCase(folder, each, toOnnx(each.graph, { weights: each.weights ?? 'inputs', file: `${each.name}.bin` }));
  });
});

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

type Written = Pick<OnnxModel, 'model' | 'parameters' | 'external'> &
  Record<'inputs' | 'outputs', readonly { readonly name: string }[]>;

function writeCase(into: string, { name, graph, inputs }: OnnxCase, { model, external, ...values }: Written): void {
  mkdirSync(into, { recursive: true });
  writeFileSync(join(into, `${name}.onnx`), model);
  if (external) writeFileSync(join(into, external.file), Buffer.concat(external.chunks));
  const given = leavesOf(inputs, '');
  const replayed = replay(graph, inputs);
  const expected = leavesOf(replayed as InputTensors, '');
  const content = {
    hash: hashOf(model),
    isStep: !/-\d+(-passes)?(-onnxruntime)?$/.test(name),
    inputs: [
      ...values.inputs.map((each) => ({ ...each, ...typesOf(graph.inputs, each.name), data: given.get(each.name) })),
      ...values.parameters.map(({ source, ...each }) => ({
        ...each,
        data: 'dataSync' in source ? [...source.dataSync()] : [...source],
      })),
    ],
    outputs: values.outputs.map((each) => ({
      ...each,
      ...typesOf(graph.outputs, each.name),
      data: expected.get(each.name),
    })),
  };
  writeFileSync(
    join(into, `${name}.json`),
    JSON.stringify(content, (_, value) => (Number.isNaN(value) ? 'NaN' : value)),
  );
  tf.dispose(replayed as never);
}

/** A dynamic model names dimensions; a case has their sizes. */
function typesOf(all: readonly { readonly name: string; readonly value: Value }[], name: string) {
  const found = all.find((each) => each.name === name);
  return { shape: found?.value.shape, dtype: found?.value.dtype };
}

function leavesOf(tree: InputTensors, prefix: string): Map<string, number[]> {
  return new Map(
    Object.entries(tree).flatMap(([key, entry]): [string, number[]][] => {
      if (typeof entry === 'number') return [];
      if (entry instanceof tf.Tensor) return [[`${prefix}${key}`, [...entry.dataSync()]]];
      return [...leavesOf(entry, `${prefix}${key}/`)];
    }),
  );
}
