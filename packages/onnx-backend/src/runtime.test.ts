import { capture, type TensorType, type TypedArray, toOnnx } from '@peft/graph';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { asModel, modelOf } from '../test/tinyModels.ts';
import { bindingRuntime } from './binding/bindingRuntime.ts';
import { nativeRuntime } from './native/nativeRuntime.ts';
import { OnnxError } from './onnxError.ts';
import type { Runtime } from './runtime.ts';

const pair = { shape: [2], dtype: 'float32' } as const satisfies TensorType;
const sums = modelOf(({ a, b }: Record<'a' | 'b', tf.Tensor>) => ({ sum: tf.add(a, b), twice: tf.mul(a, 2) }), {
  a: pair,
  b: pair,
});

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const codeAndMessage = (error: unknown) => {
  expect(error).toBeInstanceOf(OnnxError);
  expect(Reflect.get(error as object, Symbol.for('@peft/error'))).toBe(true);
  return `${(error as OnnxError).code}: ${(error as OnnxError).message}`;
};

describe.each([
  ['native', nativeRuntime],
  ['binding', bindingRuntime],
] as const)('the %s runtime', (name, open) => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await open({ threads: 1 });
  });

  it('says what it is', () => {
    expect(runtime).toMatchObject({ name, version: '1.30.0', threads: 1 });
  });

  it('reads arrays as they are at each run, and writes results in place', async () => {
    const session = await runtime.open(sums);
    const [a, b] = [Float32Array.of(1, 2), Float32Array.of(10, 20)];
    const results = [new Float32Array(2), new Float32Array(2)];
    const binding = session.bind([a, b], results);
    await binding.run();
    expect(results).toEqual([Float32Array.of(11, 22), Float32Array.of(2, 4)]);
    a.set([3, 4]);
    await binding.run();
    expect(results).toEqual([Float32Array.of(13, 24), Float32Array.of(6, 8)]);
    binding.release();
    session.release();
  });

  it('reads shared memory, views into larger buffers, and integers and booleans', async () => {
    const types = { a: pair, ids: { shape: [3], dtype: 'int32' }, mask: { shape: [2], dtype: 'bool' } } as const;
    const run = ({ a, ids, mask }: Record<keyof typeof types, tf.Tensor>) => ({
      picked: tf.gather(a, ids as tf.Tensor1D),
      masked: tf.where(mask, a, tf.zerosLike(a)),
      next: tf.add(ids, tf.scalar(1, 'int32')),
      other: tf.logicalNot(mask),
    });
    const session = await runtime.open(modelOf(run, types));
    const shared = new Float32Array(new SharedArrayBuffer(8));
    shared.set([5, 6]);
    const view = new Int32Array(new ArrayBuffer(32), 8, 3);
    view.set([1, 0, 1]);
    const mask = Uint8Array.of(0, 1);
    const results: TypedArray[] = [new Float32Array(3), new Float32Array(2), new Int32Array(3), new Uint8Array(2)];
    const binding = session.bind([shared, view, mask], results);
    await binding.run();
    expect(results).toEqual([
      Float32Array.of(6, 5, 6),
      Float32Array.of(0, 6),
      Int32Array.of(2, 1, 2),
      Uint8Array.of(1, 0),
    ]);
    shared.set([7, 8]);
    await binding.run();
    expect(results[0]).toEqual(Float32Array.of(8, 7, 8));
    binding.release();
    session.release();
  });

  it('runs two bindings of one session at once', async () => {
    const session = await runtime.open(sums);
    const results = [0, 1].map(() => [new Float32Array(2), new Float32Array(2)]);
    const bindings = results.map((each, index) =>
      session.bind([Float32Array.of(index, index), Float32Array.of(1, 2)], each),
    );
    await Promise.all(bindings.map((binding) => binding.run()));
    expect(results.map(([sum]) => sum)).toEqual([Float32Array.of(1, 2), Float32Array.of(2, 3)]);
    for (const binding of bindings) binding.release();
    session.release();
  });

  it('refuses arrays that do not fit, all in one list', async () => {
    const session = await runtime.open(sums);
    const refuse = (feeds: TypedArray[], results: TypedArray[]) => {
      try {
        session.bind(feeds, results);
      } catch (error) {
        return codeAndMessage(error);
      }
      return 'bound';
    };
    expect(refuse([Int32Array.of(1, 2)], [])).toBe(
      'onnx/arrays: the arrays do not fit the model\'s inputs; pass one an input, in their order:\n  "a" (float32[2]) is Int32Array of 2, not Float32Array of 2\n  "b" (float32[2]) is nothing, not Float32Array of 2',
    );
    const fitting = () => new Float32Array(2);
    expect(refuse([fitting(), fitting()], [fitting(), new Float32Array(3), fitting()])).toBe(
      'onnx/arrays: the arrays do not fit the model\'s outputs; pass one an output, in their order:\n  "twice" (float32[2]) is Float32Array of 3, not Float32Array of 2\n  3 arrays for 2 outputs',
    );
    session.release();
  });

  it('passes on why a model is refused or a run stops', async () => {
    const broken = await runtime.open({ bytes: Uint8Array.of(8, 10, 1), feeds: [], results: [] }).catch(codeAndMessage);
    expect(broken).toMatch(/^onnx\/runtime: ONNX Runtime refuses .*ModelProto|protobuf|parse/i);
    const run = ({ a, ids }: Record<'a' | 'ids', tf.Tensor>) => ({ picked: tf.gather(a, ids as tf.Tensor1D) });
    const onnx = toOnnx(capture(run, { inputs: { a: pair, ids: { shape: [1], dtype: 'int32' } } }), {
      weights: 'inputs',
    });
    const session = await runtime.open(asModel(onnx));
    const binding = session.bind([new Float32Array(2), Int32Array.of(9)], [new Float32Array(1)]);
    expect(await binding.run().catch(codeAndMessage)).toMatch(/^onnx\/runtime: ONNX Runtime .*indices|out of/);
    binding.release();
    session.release();
  });
});

describe('the native runtime alone', () => {
  it('leaves the event loop free during a run', async () => {
    const runtime = await nativeRuntime({ threads: 1 });
    const square = { shape: [700, 700], dtype: 'float32' } as const;
    const product = modelOf(({ a }: Record<'a', tf.Tensor2D>) => ({ product: tf.matMul(tf.matMul(a, a), a) }), {
      a: square,
    });
    const session = await runtime.open(product);
    const binding = session.bind([new Float32Array(490_000)], [new Float32Array(490_000)]);
    let isOver = false;
    let turns = 0;
    const run = binding.run().finally(() => {
      isOver = true;
    });
    while (!isOver) {
      turns++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await run;
    expect(turns).toBeGreaterThan(3);
    binding.release();
    session.release();
  });

  it('counts the handles that live', async () => {
    const runtime = await nativeRuntime();
    const before = { ...runtime.handles };
    const session = await runtime.open(sums);
    const arrays = () => [new Float32Array(2), new Float32Array(2)];
    const binding = session.bind(arrays(), arrays());
    const { Session, Value, IoBinding, SessionOptions } = before;
    expect(runtime.handles).toEqual({
      SessionOptions,
      Session: Session + 1,
      Value: Value + 4,
      IoBinding: IoBinding + 1,
    });
    binding.release();
    session.release();
    await runtime.open({ bytes: Uint8Array.of(1), feeds: [], results: [] }).catch(() => {});
    expect(runtime.handles).toEqual(before);
  });

  it('says what is wrong with a library', async () => {
    const missing = await nativeRuntime({ library: '/nowhere/libonnxruntime.so' }).catch(codeAndMessage);
    expect(missing).toMatch(
      /^onnx\/library: the ONNX Runtime library at \/nowhere\/libonnxruntime\.so does not load: .*; install onnxruntime-node for this platform\.$/s,
    );
  });
});
