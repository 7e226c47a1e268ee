import '@tensorflow/tfjs-backend-wasm';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Comparison, compareMethods } from './compareMethods.ts';
import { engineOf } from './engines.ts';
import { runJob } from './job.ts';
import type { JobRunner } from './jobRunner.ts';
import { methods } from './methods.ts';
import { report } from './report/report.ts';
import { tableOf } from './tableOf.ts';

describe('a short comparison of every method', () => {
  const out = mkdtempSync(join(tmpdir(), 'quickstart-'));
  let comparison: Comparison;
  const engine = engineOf('onnx');
  const here: JobRunner = { run: (job, onStep) => runJob(job, { engine, onStep }), close: () => Promise.resolve() };

  beforeAll(async () => {
    await tf.setBackend('wasm');
    const options = { methods, seeds: 1, steps: 10, out, engine: 'onnx', backend: 'wasm' } as const;
    comparison = await compareMethods(options, () => [here]);
  });
  afterAll(() => rmSync(out, { recursive: true }));

  it('trains what each method says it trains', () => {
    const counts = Object.fromEntries(
      comparison.results.map(({ name, trainableParameters }) => [name, trainableParameters]),
    );
    expect(counts).toMatchObject({ full: 135813, 'lora-r1': 3653, 'lora-r5': 5 * 3653, cola: 3653 });
    expect(counts['restart-only']).toBe(counts['lora-r1']);
  });

  it('leaves the base at chance on digits it has never seen, and every method learns', () => {
    expect(comparison.baseAccuracy).toBeLessThan(0.3);
    for (const { name, runs } of comparison.results) {
      const losses = runs[0]?.losses.map(({ value }) => value) ?? [];
      expect(losses, name).toHaveLength(10);
      expect(Math.min(...losses.slice(5)), name).toBeLessThan(losses[0] as number);
    }
  });

  it('saves each adapter as a folder for Python PEFT, and the fully tuned model as a model', () => {
    for (const { name } of methods.filter((method) => method.name !== 'full')) {
      const config = JSON.parse(readFileSync(join(out, 'adapters', name, 'adapter_config.json'), 'utf8'));
      expect(config.peft_type, name).toBe(name === 'adalora' ? 'ADALORA' : 'LORA');
    }
    expect(existsSync(join(out, 'adapters', 'full', 'model.safetensors'))).toBe(true);
  });

  it('reports figures, curves, ranks and pictures in one page that needs nothing beside it', () => {
    const page = report({ ...comparison, steps: 10 });
    for (const { name } of methods) expect(page).toContain(`<th>${name}</th>`);
    expect(page).toContain('adalora: live ranks by target and step');
    expect(page.match(/<figure>/g)).toHaveLength(12);
    expect(page).toContain('One seed shows that everything works; it ranks nothing.');
    expect(page).not.toMatch(/src=|href=|@import|url\(/);
  });

  it('prints one line a method', () => {
    const lines = tableOf(comparison.results, comparison.baseAccuracy)
      .trim()
      .split('\n')
      .slice(0, 2 + methods.length);
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['method', '(no', ...methods.map(({ name }) => name)]);
    expect(new Set(lines.map(({ length }) => length)).size).toBe(1);
  });
});
