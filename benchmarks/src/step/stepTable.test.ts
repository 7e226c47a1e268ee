import { expect, test } from 'vitest';
import { sampleRival, sampleRow } from '../../test/sampleRow.ts';
import { stepTable } from './stepTable.ts';

test('a row on the terminal: both terms of the roofline, rivals, and what failed', () => {
  const row = sampleRow({
    against: { 'torch-fp32': { ...sampleRival, note: 'PEFT has no chains' } },
    failed: { 'torch-compile': 'no compiler' },
  });
  expect(stepTable(row).split('\n')).toEqual([
    'bert-base, lora r=8 on query,value, 8 x 128 tokens, dropout 0, 2 threads, weights as inputs',
    '                          median        best      spread        peak      we are      memory',
    'onnx                   1000.0 ms    990.0 ms     12.0 ms    1.00 GiB  1024 tok/s',
    'torch-fp32             2100.0 ms   2000.0 ms     30.0 ms    2.00 GiB       2.10x       0.50x',
    '  PEFT has no chains',
    'torch-compile: not measured: no compiler',
    'roofline: 360.0 GFLOP of matrix products over 400 GFLOP/s (each shape at its best, alone) = 900.0 ms, 90.0 % of the median step',
    '  at the rate of the fastest shape, 420 GFLOP/s: 85.7 %; 20.0 GFLOP skipped exactly',
    "   160 x [1000, 1000] . [1000, 1000]': 5.00 ms, 400 GFLOP/s",
    "    20 x [1000, 1000] . [1000, 8]': 5.00 ms, 3 GFLOP/s",
    'disturbed rounds: 1',
  ]);
});
