import { describe, expect, it } from 'vitest';
import { groupOf, loraPlus, requireMatched } from './parameterGroup.ts';

const leaves = ['adapter/layer.0.query/a', 'adapter/layer.0.query/b', 'trained/head.bias'];

describe('parameter groups', () => {
  it('give a leaf to the first that matches', () => {
    const groups = [loraPlus(4), { name: 'adapter', match: /^adapter/ }];
    expect(leaves.map((leaf) => groupOf(groups, leaf)?.name)).toEqual(['adapter', 'lora-plus', undefined]);
  });

  it('are refused when no leaf falls to them, also because an earlier group took it', () => {
    const taken = { name: 'late', match: /query/ };
    expect(() => requireMatched([{ name: 'all', match: /./ }, taken, loraPlus()], leaves)).toThrow(
      'no trained tensor falls to parameter group "late", "lora-plus"; leaf paths look like "adapter/layer.0.query/a", and the first group that matches a leaf has it.',
    );
    expect(() => requireMatched([loraPlus()], leaves)).not.toThrow();
  });
});
