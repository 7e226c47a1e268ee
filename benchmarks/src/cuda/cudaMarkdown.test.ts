import { expect, test } from 'vitest';
import { cudaMarkdown } from './cudaMarkdown.ts';
import type { CudaFindings } from './runCuda.ts';

const findings: CudaFindings = {
  started: '2026-11-22T10:00:00.000Z',
  command: 'benchmarks/cuda/run --out cuda.json',
  machine: '16 x a processor',
  engine: { name: 'NVIDIA H200', driverVersion: '13.0', compiler: 'NVRTC 13.0' },
  sections: {
    operations: {
      seconds: 1,
      findings: [
        { name: 'Add', passed: true, found: { worst: 1e-7 } },
        { name: 'Sum', passed: false, found: { worst: 2e-3, problem: 'draw 1' } },
      ],
    },
    curves: {
      seconds: 1,
      findings: [
        { name: 'BERT: gradients, bf16', passed: true, found: { cosine: 0.99991, least: 0.9 } },
        { name: 'BERT: 20 steps of LoRA, bf16', passed: true, found: { worst: 0.004 } },
        { name: 'BERT: 20 steps of LoRA, float32', passed: true, found: { worst: 3e-7 } },
      ],
    },
    host: {
      seconds: 1,
      findings: [{ name: 'microseconds of a run', passed: false, found: { microseconds: 31.4, target: 20 } }],
    },
    times: {
      seconds: 1,
      findings: [
        { name: 'AdaLoRA over LoRA', passed: true, found: { ratio: 1.021 } },
        {
          name: 'BERT-base, lora, 8x128',
          passed: false,
          found: {
            reached: [
              { target: 'milliseconds', wanted: 2.5, found: 2.123, isReached: true },
              { target: 'over eager', wanted: 3, found: 2.5, isReached: false },
              { target: 'over the fastest', wanted: 1.2 },
            ],
          },
        },
        { name: 'GPT-2 124M, lora, 8x128', passed: false, found: { problem: 'left out: the time was up' } },
      ],
    },
  },
  passed: 5,
  failed: ['operations: Sum', 'times: BERT-base, lora, 8x128', 'host: microseconds of a run'],
  leftOut: [],
};

const lineOf = (page: string, text: string) => page.split('\n').find((line) => line.includes(text));

test('without a GPU every figure is said not to be measured', () => {
  const page = cudaMarkdown({});
  expect(page).toContain(
    '**No NVIDIA GPU was at hand when this page was written: nothing below was measured on one.**',
  );
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('| ') && line.split('|').length === 7)
    .slice(1);
  expect(rows).toHaveLength(16);
  for (const row of rows) expect(row).toMatch(/\| not measured \| {2}\|$/);
});

test('a run on a GPU gives each target its figure and whether it was met', () => {
  const page = cudaMarkdown({ device: findings, simulated: { ...findings, failed: [] } });
  expect(page).toContain('Measured 2026-11-22 on NVIDIA H200, CUDA 13.0, NVRTC 13.0; 16 x a processor.');
  expect(lineOf(page, 'at most 2.5 |')).toBe('| BERT-base, lora, 8x128 | milliseconds | at most 2.5 | 2.12 | met |');
  expect(lineOf(page, 'at least 3x eager')).toBe('|  | over eager | at least 3x eager PEFT | 2.50x | **missed** |');
  expect(lineOf(page, 'over the fastest')).toBe(
    '|  | over the fastest | at least 1.2x its fastest mode | not measured |  |',
  );
  expect(lineOf(page, '| GPT-2 124M, lora, 8x128')).toContain('left out: the time was up');
  expect(lineOf(page, 'AdaLoRA over LoRA')).toContain('| 1.021 | met |');
  expect(lineOf(page, 'host time')).toContain('| 31.4 | **missed** |');
  expect(lineOf(page, 'every operation')).toContain('| 1 of 2 | 2.0e-3 in float32 |');
  expect(lineOf(page, 'gradients of every')).toContain(
    '| 3 of 3 | 3.0e-7 in float32, losses 4.0e-3 in bf16, cosine 0.99991 in bf16 |',
  );
  expect(lineOf(page, 'a repeat')).toContain('| not run | |');
  expect(page).toContain('Did not pass:\n\n- operations: Sum\n');
});
