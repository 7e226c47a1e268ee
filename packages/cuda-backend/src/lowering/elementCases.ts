import { type ElementName, type Expression, elementExpressions } from './elementExpressions.ts';

const names = Object.keys(elementExpressions) as readonly ElementName[];

/** The number by which kernels know an operation; `kernels/elementCases.cuh` has the same. */
export const elementNumbers = Object.fromEntries(names.map((name, number) => [name, number])) as Readonly<
  Record<ElementName, number>
>;

/** Operations that make int32 or bool of floats. */
const questions = new Set<ElementName>([
  'CastToBool',
  'CastToInteger',
  'Equal',
  'Greater',
  'GreaterEqual',
  'Less',
  'LessEqual',
  'NotEqual',
]);

/** The text of `kernels/elementCases.cuh`: every operation on eight elements, chosen by its number. */
export function elementCases(): string {
  const cases = (kind: 'float' | 'integer', isListed: (name: ElementName) => boolean) =>
    names.flatMap((name) => {
      const expression: Expression | undefined = elementExpressions[name][kind];
      if (!expression || !isListed(name)) return [];
      return `    PEFT_CASE(${elementNumbers[name]}, ${expression(['a[i]', 'b[i]', 'c[i]'], ['s', 't'])})  // ${name}`;
    });
  return [
    '// Made from src/lowering/elementExpressions.ts; its test says how.',
    '#include "elementMath.cuh"',
    '',
    '#define PEFT_CASE(number, expression)                       \\',
    '  case number:                                              \\',
    '    _Pragma("unroll") for (i32 i = 0; i < 8; i++) y[i] = (expression); \\',
    '    break;',
    '',
    switchOf(
      'float, float',
      cases('float', (name) => !questions.has(name)),
    ),
    switchOf(
      'float, i32',
      cases('float', (name) => questions.has(name)),
    ),
    switchOf(
      'i32, float',
      cases('integer', (name) => name === 'CastToFloat'),
    ),
    switchOf(
      'i32, i32',
      cases('integer', (name) => name !== 'CastToFloat'),
    ),
    '#undef PEFT_CASE',
    '',
  ].join('\n');
}

function switchOf(types: string, cases: readonly string[]): string {
  const [from, to] = types.split(', ') as [string, string];
  return [
    `__device__ __forceinline__ void computeEight(i32 operation, const ${from} (&a)[8], const ${from} (&b)[8], const ${from} (&c)[8],`,
    `                                             ${to} s, ${to} t, ${to} (&y)[8]) {`,
    '  switch (operation) {',
    ...cases,
    '  }',
    '}',
    '',
  ].join('\n');
}
