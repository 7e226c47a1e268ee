import { isPeftError } from '@peft/ops';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Target } from '../target.ts';
import { explainTargets } from './explainTargets.ts';
import { selectTargets } from './selectTargets.ts';
import { targetMatcher } from './targetMatcher.ts';
import type { TargetOptions } from './targetSelection.ts';

function target(path: string, kind = 'dense'): Target {
  return { path, kind, shape: [4, 4] };
}

const leaves = ['query', 'value', 'output.dense'];
const model = [
  target('embed', 'embedding'),
  ...[0, 1, 2, 3].flatMap((layer) => leaves.map((leaf) => target(`encoder.layer.${layer}.${leaf}`))),
  target('classifier'),
];
const rootLayers = [target('layer.0.query'), target('layer.1.query')];

function pathsOf(options: TargetOptions, targets: readonly Target[] = model): readonly string[] {
  return selectTargets(targets, options).map(({ path }) => path);
}

function refusal(options: unknown, targets: readonly Target[] = model): string {
  try {
    selectTargets(targets, options as TargetOptions);
  } catch (error) {
    if (isPeftError(error) && 'code' in error) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}

describe('selectTargets', () => {
  it("returns the model's own targets, sorted by path", () => {
    const selected = selectTargets([...model].reverse(), { targets: ['value', 'classifier'], layers: [2, 0] });
    expect(selected.map(({ path }) => path)).toEqual(['classifier', 'encoder.layer.0.value', 'encoder.layer.2.value']);
    expect(selected.every((each) => model.includes(each))).toBe(true);
  });

  it('takes every dense target but the output head for "all-linear", in any case', () => {
    const dense = model.map(({ path }) => path).filter((path) => path !== 'embed');
    expect(pathsOf({ targets: 'All-Linear' })).toEqual([...dense].sort());
    const body = dense.filter((path) => path !== 'classifier').sort();
    expect(pathsOf({ targets: 'all-linear', outputHead: ['classifier'] })).toEqual(body);
    expect(pathsOf({ targets: 'all-linear', modulesToSave: ['classifier'] })).toEqual(body);
    const queries = body.filter((path) => path.endsWith('query'));
    expect(pathsOf({ targets: 'all-linear', exclude: ['value', 'dense'], outputHead: ['classifier'] })).toEqual(
      queries,
    );
  });

  it('takes a JavaScript expression for the whole path, whatever its flags', () => {
    expect(pathsOf({ targets: /.*\.0\.(QUERY|value)/giy })).toEqual(['encoder.layer.0.query', 'encoder.layer.0.value']);
    expect(pathsOf({ targets: /classifier|encoder/m })).toEqual(['classifier']);
    expect(pathsOf({ targets: ['dense'], exclude: /.*[1-3].*/ })).toEqual(['encoder.layer.0.output.dense']);
  });
});

describe('a selection that takes nothing says why', () => {
  it.each([
    [
      'no name fits',
      { targets: ['qeury'] },
      'no target matched ["qeury"]; the model has 14 targets, the nearest is "encoder.layer.0.query"; each entry must be a whole path or its end after a dot.',
    ],
    [
      'a name was given as an expression',
      { targets: 'query' },
      'no target matched "query"; the model has 14 targets, the nearest is "encoder.layer.0.query"; an expression must match the whole path, so write ["query"] to match the end of paths.',
    ],
    [
      'an expression fits no whole path',
      { targets: /attn\/qkv$/ },
      'no target matched /attn\\/qkv$/; the model has 14 targets, the nearest are "encoder.layer.0.output.dense", "embed", "encoder.layer.0.query"; an expression must match the whole path.',
    ],
    [
      'all are excluded',
      { targets: ['query'], exclude: ['query'] },
      'no target is left: all 4 targets that match ["query"] of the model\'s 14 are left out, 4 by exclude; change exclude.',
    ],
    [
      'one is kept whole',
      { targets: ['classifier'], modulesToSave: ['classifier'] },
      'no target is left: the one target that matches ["classifier"] of the model\'s 14 is left out, 1 by modulesToSave; change modulesToSave.',
    ],
    [
      'a mix',
      {
        targets: ['query', 'classifier'],
        exclude: ['encoder.layer.0.query'],
        modulesToSave: ['classifier', 'layer.1'],
        layers: [0, 1],
      },
      'no target is left: all 5 targets that match ["query", "classifier"] of the model\'s 14 are left out, 1 by exclude, 2 by modulesToSave, 2 by layers 0, 1; change exclude or modulesToSave or layers.',
    ],
  ])('%s', (_, options, message) => {
    expect(refusal(options)).toBe(`target/none-matched: ${message}`);
  });

  it('no layer number can be read', () => {
    expect(refusal({ targets: ['query'], layers: [0] }, [...rootLayers, target('a.layer.0.key')])).toBe(
      'target/none-matched: no target is left: all 2 targets that match ["query"] of the model\'s 3 are left out, 2 by layer 0; no layer number can be read from "layer.0.query", so name the container of the layers in layersPattern.',
    );
  });

  it('"all-linear" finds nothing dense, or only the head', () => {
    expect(refusal({ targets: 'all-linear' }, [target('a', 'embedding'), target('b', 'conv')])).toBe(
      'target/none-matched: no target matched "all-linear"; none of the model\'s 2 targets is dense (kinds: embedding, conv); name the modules to adapt in a list.',
    );
    expect(refusal({ targets: 'all-linear', outputHead: ['a'] }, [target('a')])).toBe(
      'target/none-matched: no target matched "all-linear"; the only dense targets are the output head, "a"; name the modules to adapt in a list.',
    );
  });

  it('the model lists nothing', () => {
    expect(refusal({ targets: ['query'], layers: [0] }, [])).toBe(
      'target/none-matched: no target matched: the model lists no targets; give its adaptable weights as targets.',
    );
  });
});

describe('wrong selections are refused', () => {
  it.each([
    [{ targets: [] }, 'targets is an empty list; name at least one module.'],
    [{ targets: '' }, 'targets is an empty string; write a regular expression or a list of module names.'],
    [{}, 'targets is undefined; write a regular expression or a list of module names.'],
    [{ targets: ['query', 3] }, 'targets holds 3 at index 1; every entry must be a module name.'],
    [{ targets: ['query'], exclude: 7 }, 'exclude is 7; write a regular expression or a list of module names.'],
    [{ targets: ['query'], layers: [0, 1.5] }, 'layers holds 1.5; layer numbers are whole and start at 0.'],
    [{ targets: ['query'], layers: -1 }, 'layers holds -1; layer numbers are whole and start at 0.'],
    [{ targets: ['query'], layers: ['1'] }, 'layers holds "1"; layer numbers are whole and start at 0.'],
    [
      { targets: '.*query', layers: [] },
      'layers cannot narrow the expression ".*query"; put the layer numbers into it, or list module names.',
    ],
    [
      { targets: 'all-linear', layers: 1 },
      'layers cannot narrow "all-linear"; put the layer numbers into it, or list module names.',
    ],
    [
      { targets: /.*query/, layersPattern: 'layer' },
      'layersPattern cannot narrow the expression /.*query/; put the container into it, or list module names.',
    ],
    [
      { targets: ['query'], layersPattern: 'layer' },
      'layersPattern is "layer" without layers; add layers or remove layersPattern.',
    ],
    [{ targets: ['query'], modulesToSave: 'head' }, 'modulesToSave is "head"; write a list of module names.'],
    [
      { targets: ['query'], layers: 1, layersPattern: '(layer' },
      'layersPattern: regular expression "(layer" at position 0: this group is never closed; close it with ")" or write "\\(".',
    ],
    [
      { targets: ['query'], modulesToSave: ['class('] },
      'modulesToSave: regular expression "class(" at position 5: this group is never closed; close it with ")" or write "\\(".',
    ],
  ])('%o', (options, message) => {
    expect(refusal(options)).toBe(`target/options: target selection: ${message}`);
  });

  it('with everything that is wrong at once', () => {
    const options = { targets: '.*(query', exclude: '*a', layers: [Number.NaN], modulesToSave: [''] };
    expect(refusal(options)).toBe(
      [
        'target/options: target selection: 5 options are wrong:',
        '- layers holds NaN; layer numbers are whole and start at 0.',
        '- layers cannot narrow the expression ".*(query"; put the layer numbers into it, or list module names.',
        '- modulesToSave holds "" at index 0; every entry must be a module name.',
        '- targets: regular expression ".*(query" at position 2: this group is never closed; close it with ")" or write "\\(".',
        '- exclude: regular expression "*a" at position 0: there is nothing to repeat here; write a backslash before the character to mean itself.',
      ].join('\n'),
    );
  });

  it('for layers that the model lacks', () => {
    expect(refusal({ targets: ['query'], layers: [3, 7, 8, 9] })).toBe(
      'target/unknown-layer: target selection: layers 7 to 9 are not in the model; its targets lie in layers 0 to 3; choose among these.',
    );
    expect(refusal({ targets: ['query'], layers: 4 })).toBe(
      'target/unknown-layer: target selection: layer 4 is not in the model; its targets lie in layers 0 to 3; choose among these.',
    );
    expect(refusal({ targets: ['query'], layers: 0 }, rootLayers)).toBe(
      'target/unknown-layer: target selection: layer 0 is not in the model; no layer number can be read from its 2 targets, such as "layer.0.query"; name the container of the layers in layersPattern, or remove layers.',
    );
    expect(pathsOf({ targets: ['query'], layers: 0, layersPattern: 'layer' }, rootLayers)).toEqual(['layer.0.query']);
  });

  it('for listed names that fit nothing beside others that do', () => {
    expect(refusal({ targets: ['query', 'valeu'] })).toBe(
      'target/entry-unmatched: target selection: "valeu" (nearest: "encoder.layer.0.value") matches none of the model\'s 14 targets; correct or remove it.',
    );
    expect(refusal({ targets: ['query', 'valeu', 'embd'] })).toBe(
      'target/entry-unmatched: target selection: "valeu" (nearest: "encoder.layer.0.value"), "embd" (nearest: "embed") match none of the model\'s 14 targets; correct or remove them.',
    );
  });

  it('for a model that lists a path twice', () => {
    expect(refusal({ targets: ['a'] }, [target('a'), target('b'), target('a')])).toBe(
      'target/duplicate-path: the model lists target "a" more than once; a path names one weight, so list each path once.',
    );
  });
});

describe('laws of selection', () => {
  const segment = fc.constantFrom('a', 'b', 'ab', 'h', '0', '1', '12', 'q', 'seq');
  const path = fc.array(segment, { minLength: 1, maxLength: 5 }).map((segments) => segments.join('.'));
  const kind = fc.constantFrom('dense', 'dense', 'embedding');
  const targets = fc.uniqueArray(fc.record({ path, kind, shape: fc.constant([2, 2]) }), {
    minLength: 1,
    maxLength: 12,
    selector: (each) => each.path,
  });
  const names = fc.array(path, { minLength: 1, maxLength: 3 });
  const expression = fc.constantFrom('.*q', 'a.*', '.*\\.\\d+\\..*', '(a|b).*', '.*', 'h\\.(?!0).*');
  const filters = { exclude: fc.oneof(names, expression), modulesToSave: names };
  const layers = fc.array(fc.nat(12), { maxLength: 2 });
  const options: fc.Arbitrary<TargetOptions> = fc.oneof(
    fc.record({ targets: names, layers, ...filters }, { requiredKeys: ['targets'] }),
    fc.record({ targets: fc.oneof(expression, fc.constant('all-linear')), ...filters }, { requiredKeys: ['targets'] }),
  );

  it('explain, select and match agree, and the selection is part of the model', () => {
    let taken = 0;
    fc.assert(
      fc.property(targets, options, (drawn, drawnOptions) => {
        const matched = explainTargets(drawn, drawnOptions).filter((each) => each.matched);
        const matches = targetMatcher(drawnOptions);
        const paths = matched.map((each) => each.path);
        expect(
          drawn
            .filter(matches)
            .map((each) => each.path)
            .sort(),
        ).toEqual(paths);
        const code = refusal(drawnOptions, drawn).split(':')[0];
        if (code !== 'accepted') {
          const whole = /^target\/(unknown-layer|entry-unmatched)$/;
          expect(paths.length === 0 ? 'target/none-matched' : code).toMatch(paths.length === 0 ? /none/ : whole);
          return;
        }
        taken += 1;
        expect(pathsOf(drawnOptions, drawn)).toEqual(paths);
      }),
      { numRuns: 300 },
    );
    expect(taken).toBeGreaterThan(50);
  });

  it('the order of targets, names and layers does not matter', () => {
    fc.assert(
      fc.property(targets, options, (drawn, drawnOptions) => {
        const turn = <T>(value: T): T => (Array.isArray(value) ? ([...value].reverse() as T) : value);
        const { targets: wanted, exclude, layers: numbers, modulesToSave } = drawnOptions;
        const turned = {
          targets: turn(wanted),
          exclude: turn(exclude),
          layers: turn(numbers),
          modulesToSave: turn(modulesToSave),
        };
        const facts = (each: { path: string; matched: boolean }) => [each.path, each.matched];
        expect(explainTargets(turn(drawn), turned).map(facts)).toEqual(explainTargets(drawn, drawnOptions).map(facts));
      }),
      { numRuns: 300 },
    );
  });

  it('excluding more never selects more, and a selected name is never excluded', () => {
    fc.assert(
      fc.property(targets, names, names, (drawn, wanted, excluded) => {
        const all = explainTargets(drawn, { targets: wanted });
        const fewer = explainTargets(drawn, { targets: wanted, exclude: excluded });
        for (const [index, each] of fewer.entries()) {
          const isExcluded = excluded.some((name) => each.path === name || each.path.endsWith(`.${name}`));
          expect(each.matched).toBe(all[index]?.matched === true && !isExcluded);
        }
      }),
    );
  });
});
