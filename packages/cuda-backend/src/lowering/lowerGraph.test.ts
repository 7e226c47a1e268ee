import type { Graph, Value } from '@peft/graph';
import { expect, it } from 'vitest';
import { reads, writes } from '../plan/command.ts';
import type { Operand } from '../plan/operand.ts';
import { lowerGraph } from './lowerGraph.ts';
import type { Step } from './step.ts';

const value = (...shape: number[]): Value => ({ shape, dtype: 'float32' });
const [x, y, z] = [value(2, 3), value(2, 3), value(6)];
const device = {
  name: 'a device',
  architecture: 90,
  multiprocessors: 4,
  sharedMemory: 2 ** 16,
  memory: 2 ** 30,
  driverVersion: 12080,
};
const graph: Graph = {
  inputs: [{ name: 'state/x', value: x }],
  parameters: [],
  constants: [],
  nodes: [],
  outputs: [
    { name: 'state/x', value: y },
    { name: 'outputs/z', value: z },
  ],
  structure: {},
};

/** A step of one launch. */
function stepOf(label: string, [input, output]: readonly [Value, Value], more: Partial<Step> = {}): Step {
  return {
    label,
    inputs: [input],
    outputs: [output],
    lower: ({ inputs, outputs, emit }) => {
      const [from, to] = [inputs[0], outputs[0]] as [Operand, Operand];
      const list = from.region === to.region ? [reads(from)] : [reads(from), writes(to)];
      emit.kernel({ kernel: { file: 'f', name: label }, blocks: 1, threads: 32, arguments: list });
    },
    ...more,
  };
}

const lower = (steps: readonly Step[]) =>
  lowerGraph(graph, { steps, device, precision: 'float32', hasProductLibrary: true, storageOf: () => 'f32' });

it('gives views the memory they are of, others memory of their own', () => {
  const own = lower([stepOf('0 Neg', [x, y]), stepOf('1 Reshape', [y, z], { isView: true })]);
  expect(own.commands.map(({ node }) => node)).toEqual(['0 Neg']);
  const [next, output] = own.results;
  expect(next).toMatchObject({ kind: 'state', path: 'x', operand: { shape: [2, 3], region: { kind: 'result' } } });
  expect(output).toMatchObject({ kind: 'output', path: 'z', shape: [6] });
  expect(output?.operand.region).toBe(next?.operand.region);
});

it('says which results may be written over which operands', () => {
  const w = value(2, 3);
  const steps = [
    stepOf('0 Neg', [x, w], { inPlace: [0] }),
    stepOf('1 Exp', [w, y], { inPlace: [0] }),
    stepOf('2 Abs', [y, z]),
  ];
  const { overwrites } = lower(steps);
  expect(overwrites.map(({ result, operand }) => [result.label, operand.label])).toEqual([['1 Exp', '0 Neg']]);
});

it('refuses steps that read what none before them makes', () => {
  expect(() => lower([stepOf('1 Exp', [y, z]), stepOf('0 Neg', [x, y])])).toThrow(
    'internal: 1 Exp reads float32[2,3], which no step before it makes; please report it.',
  );
  expect(() => lower([stepOf('0 Neg', [x, y])])).toThrow(
    'internal: output "outputs/z" reads float32[6], which no step before it makes; please report it.',
  );
});
