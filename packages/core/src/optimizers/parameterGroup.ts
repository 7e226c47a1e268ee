import { PeftError } from '@peft/ops';
import { requireInRange } from '../requireInRange.ts';

/** Leaves that train by settings of their own; the first group that matches a leaf has it. */
export type ParameterGroup = {
  readonly name: string;
  /** Tests a leaf's path, such as `adapter/layer.0.query/b` or `trained/classifier.weight`. */
  readonly match: RegExp | ((leaf: string) => boolean);
  /** Times the schedule's learning rate. */
  readonly learningRateFactor?: number;
  readonly weightDecay?: number;
};

/** Checks groups once: names distinct, factors and decays in range. */
export function checkGroups(groups: readonly ParameterGroup[]): void {
  const names = groups.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new PeftError(
      'optimizer/group-twice',
      `two parameter groups are called "${twice}"; give each a name of its own.`,
    );
  }
  for (const { name, learningRateFactor = 1, weightDecay = 0 } of groups) {
    requireInRange(`parameter group "${name}"`, { learningRateFactor, weightDecay }, { from: 0 });
  }
}

/** The group a leaf trains by, if any. */
export function groupOf(groups: readonly ParameterGroup[], leaf: string): ParameterGroup | undefined {
  return groups.find(({ match }) => (typeof match === 'function' ? match(leaf) : leaf.search(match) >= 0));
}

/** LoRA+ (Hayou et al. 2024): the up-projection `b` learns `ratio` times faster than `a`. */
export function loraPlus(ratio = 16): ParameterGroup {
  requireInRange('loraPlus', { ratio }, { from: 1 });
  return { name: 'lora-plus', match: /\/b$/, learningRateFactor: ratio };
}

/** Refuses groups that no leaf trains by, which would otherwise have no effect without a word. */
export function requireMatched(groups: readonly ParameterGroup[], leaves: readonly string[]): void {
  const matched = new Set(leaves.map((leaf) => groupOf(groups, leaf)));
  const idle = groups.filter((group) => !matched.has(group)).map(({ name }) => `"${name}"`);
  if (idle.length === 0) return;
  throw new PeftError(
    'optimizer/group-idle',
    `no trained tensor falls to parameter group ${idle.join(', ')}; leaf paths look like "${leaves[0]}", and the first group that matches a leaf has it.`,
  );
}
