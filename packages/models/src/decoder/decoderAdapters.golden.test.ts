import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adaloraFileFormat } from '@peft/adalora';
import { loadAdapter, saveAdapter } from '@peft/checkpoint';
import { adaptedAt, disposeAdapter, mergeAdapter } from '@peft/core';
import { loraFileFormat } from '@peft/lora';
import { expect, test } from 'vitest';
import { expectValues } from '../../test/expectValues.ts';
import { expectWrittenAgain } from '../../test/expectWrittenAgain.ts';
import { familyOf } from '../../test/familyOf.ts';
import { fixture, golden, readTensors } from '../../test/golden.ts';
import { onEachBackend } from '../../test/onEachBackend.ts';
import { adaptedLogits, type Columns, shownLogits } from '../../test/shownLogits.ts';
import { loadPretrained, type PretrainedModel } from '../loadPretrained.ts';
import { saveModel } from '../saveModel.ts';

const cases: readonly (readonly [name: string, base: string, targets: number])[] = [
  ['gpt2-attention', 'gpt2', 2],
  ['gpt2-everywhere', 'gpt2', 8],
  ['gpt2-saved', 'gpt2', 2],
  ['gpt2-head', 'gpt2', 3],
  ['gpt2-dora', 'gpt2', 7],
  ['gpt2-classes', 'gpt2-classes', 2],
  ['gpt2-adalora', 'gpt2', 6],
  ['opt-attention', 'opt', 4],
  ['opt-head', 'opt-uneven', 5],
];

function load(name: string, model: PretrainedModel, folder = fixture(`decoder-adapters/${name}`)) {
  const onWarning = (warning: string) => expect.unreachable(warning);
  return loadAdapter(folder, model, { formats: [loraFileFormat, adaloraFileFormat], onWarning });
}

async function columnsOf(base: string): Promise<Columns> {
  const { get } = await golden(base);
  return { inputIds: get('right/inputIds'), attentionMask: get('right/attentionMask') };
}

async function expectedLogits(name: string): Promise<Float32Array> {
  const { tensors } = await readTensors(fixture('decoder-adapters/expected.safetensors'));
  return tensors.get(name)?.data as Float32Array;
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'decoder-adapters-'));
  await work(folder).finally(() => rmSync(folder, { recursive: true }));
}

onEachBackend(() => {
  test.each(cases)('the %s folder of PEFT gives the logits it gives there', async (name, base, targetCount) => {
    const model = await loadPretrained(fixture(base));
    const adapter = await load(name, model);
    expect(adapter.targets).toHaveLength(targetCount);
    const subject = `${familyOf(name)}: outputs with adapter folders of PEFT`;
    expectValues(subject, await adaptedLogits(await columnsOf(base), model, adapter), await expectedLogits(name));
    disposeAdapter(adapter);
    model.weights.dispose();
  });
});

test.each(cases)('%s is written again with its tensors and settings', async (name, base) => {
  const model = await loadPretrained(fixture(base));
  const adapter = await load(name, model);
  await inFolder(async (folder) => {
    await saveAdapter(adapter, folder);
    const [mine, theirs] = await Promise.all(
      [folder, fixture(`decoder-adapters/${name}`)].map((each) => readTensors(join(each, 'adapter_model.safetensors'))),
    );
    // PEFT also stores the base's own tables and heads that it adapts.
    const own = [...(theirs?.tensors ?? [])].filter(([key]) => !key.endsWith('.base_layer.weight'));
    expectWrittenAgain(mine?.tensors, own);
    const [written, read] = await Promise.all([folder, fixture(`decoder-adapters/${name}`)].map(configIn));
    expect(written).toEqual(read);
    const again = await load(name, model, folder);
    const columns = await columnsOf(base);
    expect(await adaptedLogits(columns, model, again)).toEqual(await adaptedLogits(columns, model, adapter));
    disposeAdapter(again);
  });
  disposeAdapter(adapter);
});

test.each(cases)('%s merged, saved as a model and loaded again, gives the same logits', async (name, base) => {
  const model = await loadPretrained(fixture(base));
  const adapter = await load(name, model);
  const merged = await mergeAdapter(model, adapter);
  await inFolder(async (folder) => {
    await saveModel(folder, model, merged);
    const loaded = await loadPretrained(folder);
    // What the table gained is not what the head gained: they are two weights from here on.
    const adaptsOne = adapter.targets.some(({ path }) => /wte$|embed_tokens$|lm_head$/.test(path));
    expect(loaded.config.tie_word_embeddings).toBe(!adaptsOne);
    const at = adaptedAt({ weights: loaded.weights, modules: loaded.targets });
    const logits = await shownLogits(await columnsOf(base), (batch) => loaded.apply(batch, at));
    const subject = `${familyOf(name)}: outputs with adapter folders of PEFT`;
    expectValues(subject, logits, await expectedLogits(name));
    loaded.weights.dispose();
  });
  merged.dispose();
  disposeAdapter(adapter);
});

async function configIn(folder: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(folder, 'adapter_config.json'), 'utf8'));
}
