// What Python PEFT 0.21.2 does with trained token rows on transformers' models; the figures were measured with it, on the
// fixtures of fixtures/python.
import { loadAdapter } from '@peft/checkpoint';
import {
  adamw,
  adaptedAt,
  attach,
  batches,
  causalLanguageModeling,
  classification,
  disposeAdapter,
  type FineTuneOptions,
  fineTune,
  type HostArray,
  maskedLanguageModeling,
  mergeAdapter,
  type TensorBatch,
  toTensor,
} from '@peft/core';
import { requireClose } from '@peft/core/testing';
import { lora, loraFileFormat } from '@peft/lora';
import { expectParity } from '@peft/parity';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { fixture, golden, readTensors } from '../test/golden.ts';
import { loadPretrained, type PretrainedModel } from './loadPretrained.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

async function decoderBatch(): Promise<Readonly<Record<'inputIds' | 'attentionMask' | 'labels', HostArray>>> {
  const { get } = await golden('gpt2');
  return { inputIds: get('right/inputIds'), attentionMask: get('right/attentionMask'), labels: get('right/labels') };
}

async function outputOf(columns: Readonly<Record<string, HostArray>>, apply: (batch: TensorBatch) => tf.Tensor) {
  return tf.tidy(() => {
    const batch = Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, toTensor(column)]));
    return apply(batch).dataSync() as Float32Array;
  });
}

async function train(model: PretrainedModel, changes: Partial<FineTuneOptions>) {
  return fineTune(model, {
    strategy: lora({ rank: 2 }),
    targets: ['c_attn'],
    loss: causalLanguageModeling(),
    data: batches(await decoderBatch(), { batchSize: 5 }),
    steps: 3,
    optimizer: adamw(),
    schedule: 0.05,
    progress: false,
    onWarning: () => {},
    ...changes,
  }).result;
}

describe('Python PEFT: the bias of a head is left out once rows of its table train, so a fresh adapter moves the outputs of a BERT with a word head by 0.18 (2.4)', () => {
  test('here: a fresh adapter changes nothing, and PEFT’s rows give its outputs with the bias put back', async () => {
    const base = 'bert-words';
    const model = await loadPretrained(fixture(base));
    const { get } = await golden(base);
    const columns = Object.fromEntries(
      ['inputIds', 'attentionMask', 'tokenTypeIds'].map((name) => [name, get(name)] as const),
    );
    const bare = await outputOf(columns, (batch) =>
      model.apply(batch, adaptedAt({ weights: model.weights, modules: model.targets })),
    );
    const run = fineTune(model, {
      strategy: lora({ rank: 2 }),
      targets: ['query'],
      trainableTokens: [5],
      loss: maskedLanguageModeling(),
      data: batches({ ...columns, labels: get('labels') }, { batchSize: 4 }),
      steps: 1,
      optimizer: adamw(),
      schedule: 0,
      progress: false,
      onWarning: () => {},
    });
    const fresh = await run.result;
    const attached = await attach(model, fresh.adapter);
    const moved = await outputOf(columns, attached.apply);
    requireClose(moved, bare, { what: 'outputs', tolerance: 1e-6 });

    const theirs = await loadAdapter(fixture('token-rows/bert-words'), model, { formats: [loraFileFormat] });
    const { tensors } = await readTensors(fixture('token-rows/golden.safetensors'));
    const served = await attach(model, theirs);
    const shown = (output: tf.Tensor) => tf.mul(output, tf.expandDims(toTensor(get('attentionMask')), -1));
    const outputs = await outputOf(columns, (batch) => shown(served.apply(batch)));
    expectParity('BERT: outputs with trained token rows of PEFT, the bias put back', {
      actual: outputs,
      expected: tensors.get('bert-words/logits')?.data as Float32Array,
      tolerance: 1e-5,
    });
    expect(() =>
      requireClose(outputs, tensors.get('bert-words/without-bias')?.data as Float32Array, { what: '', tolerance: 0.1 }),
    ).toThrow('relative difference 0.');
    attached.dispose();
    served.dispose();
    fresh.dispose();
    disposeAdapter(theirs);
  });
});

describe('Python PEFT: with LoRA on a head and trained rows of its table, merging moves the outputs of a GPT-2 by 0.52 (4.12)', () => {
  test('here: merged outputs are the outputs, and head and table each have what is theirs', async () => {
    const model = await loadPretrained(fixture('gpt2'));
    const columns = await decoderBatch();
    const { adapter, dispose } = await train(model, { targets: ['lm_head'], trainableTokens: [5, 17] });
    const attached = await attach(model, adapter);
    const output = await outputOf(columns, attached.apply);
    const merged = await mergeAdapter(model, adapter);
    const at = adaptedAt({ weights: merged, modules: model.targets });
    requireClose(await outputOf(columns, (batch) => model.apply(batch, at)), output, {
      what: 'merged outputs',
      tolerance: 1e-6,
    });
    for (const each of [attached, merged]) each.dispose();
    dispose();
  });
});

describe('Python PEFT: other rows of a tied head than of its table train apart and are merged into the one weight, which moves the outputs by 0.22 (2.4)', () => {
  test('here: a head shows the rows of its table, and rows of a head alone are refused', async () => {
    const model = await loadPretrained(fixture('gpt2'));
    await expect(async () => train(model, { trainableTokens: { wte: [5, 17], lm_head: [5] } })).rejects.toThrow(
      '"lm_head" is a transposed-dense layer, and rows are trained of embeddings',
    );
    const { adapter, dispose } = await train(model, { trainableTokens: { wte: [5, 17] } });
    expect(adapter.tokenRows['transformer.wte']?.heads).toEqual(['lm_head']);
    dispose();
  });
});

describe('Python PEFT: a row listed twice gets two values, and index_copy leaves open which of them counts (4.12)', () => {
  test('here: it is refused', async () => {
    const model = await loadPretrained(fixture('gpt2'));
    await expect(async () => train(model, { trainableTokens: [5, 7, 5] })).rejects.toThrow(
      'trainableTokens lists 5 of "transformer.wte" twice',
    );
  });
});

describe('Python PEFT: rows that a table does not have, none at all, or rows of a head that is trained whole fail in the first forward pass, with an IndexError, a RuntimeError about dtypes and "unknown layer type" (4.12)', () => {
  test('here: all are said before anything trains', async () => {
    const model = await loadPretrained(fixture('gpt2'));
    const tokens = { wte: [-1, 31], wpe: [] };
    await expect(async () => train(model, { trainableTokens: tokens, modulesToSave: ['lm_head'] })).rejects.toThrow(
      /3 options are wrong:\n- .*-1, 31 are none of them.*\n- .*"lm_head" whole.*\n- .*lists no rows of "transformer.wpe"/,
    );
  });
});

describe('Python PEFT: the row of the padding token learns nothing from where it is shown, as torch freezes padding_idx: gradient 0 (4.12)', () => {
  test('here: it learns as any row', async () => {
    const model = await loadPretrained(fixture('bert'));
    const { get } = await golden('bert');
    // The padding token of this BERT stands in its batch where nothing is padding.
    const inputIds = get('inputIds');
    const shown = { ...inputIds, data: Int32Array.from(inputIds.data as Int32Array, (id, at) => (at % 3 ? id : 0)) };
    const { adapter, dispose } = await train(model, {
      targets: ['query'],
      trainableTokens: [0],
      loss: classification(),
      data: batches({ inputIds: shown, labels: get('labels') }, { batchSize: 4 }),
      steps: 1,
    });
    const table = model.weights.get('bert.embeddings.word_embeddings.weight').data as Float32Array;
    const row = adapter.tokenRows['bert.embeddings.word_embeddings']?.rows.dataSync() as Float32Array;
    expect(row.every((value, index) => Math.abs(value - (table[index] as number)) > 0.01)).toBe(true);
    dispose();
  });
});

describe('Python PEFT: DoRA on a head whose table has trained rows fails: the wrapper of the head has no bias (AttributeError) (4.9)', () => {
  test('here: the head’s magnitudes stand on the table with its rows', async () => {
    const model = await loadPretrained(fixture('gpt2'));
    const columns = await decoderBatch();
    const strategy = lora({ rank: 2, dora: true });
    const { adapter, dispose } = await train(model, { strategy, targets: ['lm_head'], trainableTokens: [5, 17] });
    const attached = await attach(model, adapter);
    const merged = await mergeAdapter(model, adapter);
    const at = adaptedAt({ weights: merged, modules: model.targets });
    requireClose(await outputOf(columns, (batch) => model.apply(batch, at)), await outputOf(columns, attached.apply), {
      what: 'merged outputs',
      tolerance: 2e-6,
    });
    for (const each of [attached, merged]) each.dispose();
    dispose();
  });
});

describe('Python PEFT: names of tables match without a dot before them: embed also trains rows of my_embed (1.4)', () => {
  test('here: a name ends where a module’s begins', async () => {
    const model = await loadPretrained(fixture('gpt2'));
    await expect(async () => train(model, { trainableTokens: { te: [5] } })).rejects.toThrow(
      'no embedding is called "te"',
    );
    const { adapter, dispose } = await train(model, { trainableTokens: { wte: [5] } });
    expect(Object.keys(adapter.tokenRows)).toEqual(['transformer.wte']);
    dispose();
  });
});
