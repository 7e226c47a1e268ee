import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sampleRival, sampleRow } from '../../test/sampleRow.ts';
import type { Measure } from '../step/stepRow.ts';
import { limitOf } from './limitOf.ts';
import { ratioPicture } from './ratioPicture.ts';
import { stepMarkdown } from './stepMarkdown.ts';
import { targets } from './targets.ts';
import { writePage } from './writePage.ts';

const measure = (id: string, value: number): Measure => ({
  id,
  model: id === 'flat' ? 'bert-tiny' : 'bert-base',
  engine: 'onnx',
  value,
  said: `${id} says ${value}`,
  details: {},
  acceptedBusy: false,
  circumstances: sampleRow().circumstances,
});
const none = { rows: [], measures: [] };
const judge = (name: RegExp, figures: Parameters<(typeof targets)[number]['judge']>[0]) =>
  targets.find((each) => name.test(each.measure))?.judge(figures);

describe('a target is judged', () => {
  const rows = (...all: Parameters<typeof sampleRow>[0][]) => ({ rows: all.map(sampleRow), measures: [] });

  test('by the row it is about, and by no other', () => {
    expect(judge(/^BERT-base, LoRA/, rows({}))).toEqual({ figure: '2.10x', isMet: true });
    const slow = { against: { 'torch-fp32': { ...sampleRival, ratio: 1.99 } } };
    expect(judge(/^BERT-base, LoRA/, rows(slow))).toEqual({ figure: '1.99x', isMet: false });
    for (const other of [
      { dropout: 0.1 },
      { method: 'adalora' },
      { engine: 'wasm' },
      { seq: 64 },
      { targets: 'all-linear' },
    ] as const) {
      expect(judge(/^BERT-base, LoRA/, rows(other))).toBeUndefined();
    }
    expect(judge(/^BERT-base, LoRA/, rows({ against: {} }))).toBeUndefined();
    expect(judge(/^BERT-base, LoRA/, rows({ acceptedBusy: true }))?.figure).toBe('2.10x (machine not idle)');
  });

  test('also for memory, the roofline and eager wasm', () => {
    const gpt2 = { model: 'gpt2', batch: 4, targets: ['c_attn'] };
    expect(judge(/peak memory/, rows(gpt2))).toEqual({ figure: '0.50x (1.00 GiB over 2.00 GiB)', isMet: true });
    expect(judge(/roofline/, rows({}))).toEqual({
      figure: '90.0 % (85.7 % at the rate of the fastest shape)',
      isMet: true,
    });
    expect(judge(/roofline/, rows({ rooflineFraction: 0.84 }))?.isMet).toBe(false);
    expect(judge(/eager wasm/, rows({ against: { wasm: { ...sampleRival, ratio: 12.3 } } }))).toEqual({
      figure: '12.3x',
      isMet: undefined,
    });
  });

  test('OPT-1.3B needs speed and memory both', () => {
    const opt = { model: 'opt-1.3b', batch: 2, targets: ['q_proj', 'v_proj'] };
    expect(judge(/^OPT/, rows(opt))?.isMet).toBe(true);
    expect(judge(/^OPT/, rows({ ...opt, peakBytes: 25e9 }))?.isMet).toBe(false);
  });

  test.each([
    [/^AdaLoRA step/, 'ratio-adalora', [1.05, 1.06]],
    [/knot at/, 'knot', [1, 1.1]],
    [/^capture/, 'compile', [0.7, 0.71]],
    [/^event loop/, 'eventloop', [0.8, 0.79]],
    [/^tensors/, 'flat', [1, 1.01]],
  ] as const)('%s', (name, id, [met, missed]) => {
    expect(judge(name, { rows: [], measures: [measure(id, met)] })?.isMet).toBe(true);
    expect(judge(name, { rows: [], measures: [measure(id, missed)] })?.isMet).toBe(false);
    expect(judge(name, none)).toBeUndefined();
    expect(judge(name, { rows: [], measures: [{ ...measure(id, met), model: 'gpt2' }] })).toBeUndefined();
  });
});

test('the page has every target, every row with its command, and what could not be measured', () => {
  const row = sampleRow({ failed: { 'torch-compile': 'torch-compile: no compiler\nmore' }, acceptedBusy: true });
  const page = stepMarkdown({ rows: [row], measures: [measure('knot', 2)] });
  for (const { measure: name, target } of targets) expect(page).toContain(`| ${name} | ${target} |`);
  expect(page).toContain('| a COLA knot at BERT-base | at most one step | knot says 2 | **missed** |');
  expect(page).toContain('| capture, passes and session at BERT-base | at most 0.7 s | not measured |  |');
  expect(page).toContain(
    '| BERT-base, lora, 8x128 | onnx | 1000 (990, 12) | 1.00 GiB | 1024 | 90.0 % (85.7 %) |  |  |',
  );
  expect(page).toContain('|  | torch-fp32 | 2100 (2000, 30) | 2.00 GiB | 488 |  | 2.10x | 0.50x |');
  expect(page).toContain('|  | torch-compile | not measured |');
  expect(page).toContain('torch-compile was not measured: torch-compile: no compiler\n');
  expect(page).toContain('`pnpm bench step --model bert-base`');
  expect(page).toContain("| 160 | [1000, 1000] . [1000, 1000]' | 320.0 | 5.00 | 400 |");
  expect(page).toContain('**Measured with --accept-busy: the machine may not have been idle.**');
  expect(stepMarkdown(none)).toContain('Not measured yet.');
});

test('what limits a row is read off its figures', () => {
  expect(limitOf(sampleRow())).toBe(
    'Matrix products at their best take 900 of 1000 ms (90 %), 100 ms of it in shapes too small or narrow for 60 % of the fastest rate; everything else, and products slower than alone, 100 ms (10 %): norms, activations, softmax, optimizer, memory traffic.',
  );
});

test('the picture has a bar for every rival, as long as its ratio', () => {
  const against = { 'torch-fp32': { ...sampleRival, ratio: 2 }, 'torch-bf16': { ...sampleRival, ratio: 0.5 } };
  const svg = ratioPicture([sampleRow({ against }), sampleRow({ model: 'gpt2', against: {} })]);
  const widths = [...svg.matchAll(/<rect class="mark"[^>]* width="([\d.]+)"/g)].map(([, width]) => Number(width));
  expect(widths).toHaveLength(2);
  expect((widths[0] as number) / (widths[1] as number)).toBeCloseTo(4, 1);
  expect(svg).toContain('BERT-base, lora, 8x128');
  expect(svg).not.toContain('GPT-2');
});

describe('files', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'step-page-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('figures join those of the folder; of the same step the later stays', () => {
    writePage(folder, [{ rows: [sampleRow(), sampleRow({ dropout: 0.1 })], measures: [measure('knot', 1)] }]);
    writePage(folder, [{ rows: [sampleRow({ medianMs: 777 })], measures: [measure('knot', 3)] }]);
    expect(readdirSync(folder).sort()).toEqual(['step-ratios.svg', 'step.json', 'step.md']);
    const { rows, measures } = JSON.parse(readFileSync(join(folder, 'step.json'), 'utf8'));
    expect(rows.map(({ medianMs, dropout }: { medianMs: number; dropout: number }) => [medianMs, dropout])).toEqual([
      [777, 0],
      [1000, 0.1],
    ]);
    expect(measures.map(({ value }: Measure) => value)).toEqual([3]);
  });
});
