import type { Target } from '@peft/core';
import { targetMatcher } from '@peft/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { pythonSelection } from './pythonSelection.ts';

const moduleAt = (path: string): Target => ({ path, kind: 'dense', shape: [1, 1] });

it('names the paths, and turns to an expression where a name would match more', () => {
  const modules = ['head', 'decoder.head', 'layer.0.query', 'layer-0.query'].map(moduleAt);
  expect(pythonSelection(['layer.0.query', 'decoder.head'], modules)).toEqual(['decoder.head', 'layer.0.query']);
  expect(pythonSelection(['head', 'layer.0.query'], modules)).toBe('head|layer\\.0\\.query');
});

it('selects exactly the chosen modules', () => {
  const name = fc
    .array(fc.constantFrom('a', 'b', 'h+'), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.join('.'));
  const drawn = fc.uniqueArray(fc.tuple(name, fc.boolean()), {
    minLength: 1,
    maxLength: 8,
    selector: ([path]) => path,
  });
  fc.assert(
    fc.property(drawn, (entries) => {
      const modules = entries.map(([path]) => moduleAt(path));
      const chosen = entries.filter(([, isChosen]) => isChosen).map(([path]) => path);
      fc.pre(chosen.length > 0);
      const matches = targetMatcher({ targets: pythonSelection(chosen, modules) });
      expect(modules.filter(matches).map(({ path }) => path)).toEqual(chosen);
    }),
  );
});
