import { isPeftError, PeftError } from '@peft/ops';
import { layerReader } from './layerReader.ts';
import { type PathRule, pathRule } from './pathRule.ts';
import { compilePattern } from './python/compilePattern.ts';
import { stepBudget, stepsForText } from './python/stepBudget.ts';
import { selectionProblems } from './selectionProblems.ts';
import type { TargetOptions } from './targetSelection.ts';

/** Options made ready to decide about paths. */
export type CompiledSelection = {
  readonly options: TargetOptions;
  readonly isAllLinear: boolean;
  readonly targetRule: PathRule;
  readonly excludeRule: PathRule;
  readonly savedRule: PathRule;
  /** Undefined when every layer is meant. */
  readonly layers: readonly number[] | undefined;
  readonly layerOf: (path: string) => number | undefined;
};

/** True for Python's shorthand, in any case. */
export function isAllLinear(options: TargetOptions): boolean {
  return typeof options.targets === 'string' && options.targets.toLowerCase() === 'all-linear';
}

// Python takes the names in modules_to_save for expressions, unescaped, that may match anywhere along the path.
function savedModuleRule(names: readonly string[]): PathRule {
  const budget = stepBudget();
  const frame = { before: '(^|.*\\.)', after: '($|\\..*)', call: 'match', budget } as const;
  const isPlain = (name: string) => /^\w+$/.test(name);
  const plain = new Set(names.filter(isPlain));
  const compiled = names
    .filter((name) => !isPlain(name))
    .map((name) => ({ name, expression: compilePattern(name, frame) }));
  return (path) => {
    budget.left = stepsForText;
    const name =
      path.split('.').find((part) => plain.has(part)) ?? compiled.find(({ expression }) => expression.test(path))?.name;
    return name === undefined ? undefined : { rule: `"${name}"`, by: 'pattern' };
  };
}

/**
 * Checks every option and compiles its expressions.
 * @throws PeftError `target/options` with everything that is wrong.
 */
export function compileSelection(options: TargetOptions): CompiledSelection {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new PeftError(
      'target/options',
      `target selection: the options are ${Array.isArray(options) ? 'a list' : options === null ? 'null' : typeof options}; pass a record, such as { targets: ["query", "value"] }.`,
    );
  }
  const problems = [...selectionProblems(options)];
  const none: PathRule = () => undefined;
  const attempt = <T>(name: string, make: () => T, fallback: T): T => {
    if (problems.some((problem) => problem.startsWith(`${name} `))) return fallback;
    try {
      return make();
    } catch (error) {
      if (!isPeftError(error)) throw error;
      problems.push(`${name}: ${error.message}`);
      return fallback;
    }
  };
  const { targets, exclude = [], layers, layersPattern = [], modulesToSave = [] } = options;
  const allLinear = isAllLinear(options);
  const compiled: CompiledSelection = {
    options,
    isAllLinear: allLinear,
    targetRule: attempt('targets', () => (allLinear ? none : pathRule(targets)), none),
    excludeRule: attempt('exclude', () => pathRule(exclude), none),
    savedRule: attempt('modulesToSave', () => savedModuleRule(modulesToSave), none),
    layers: layersWanted(layers),
    layerOf: attempt<(path: string) => number | undefined>(
      'layersPattern',
      () => layerReader(namesOf(layersPattern)),
      none as () => undefined,
    ),
  };
  if (problems.length === 1) throw new PeftError('target/options', `target selection: ${problems[0]}`);
  if (problems.length > 1) {
    const lines = problems.map((problem) => `\n- ${problem}`).join('');
    throw new PeftError('target/options', `target selection: ${problems.length} options are wrong:${lines}`);
  }
  return compiled;
}

function layersWanted(layers: TargetOptions['layers']): readonly number[] | undefined {
  if (layers === undefined) return undefined;
  if (typeof layers === 'number') return [layers];
  return layers.length === 0 ? undefined : layers;
}

function namesOf(pattern: string | readonly string[]): readonly string[] {
  if (typeof pattern === 'string') return pattern === '' ? [] : [pattern];
  return pattern;
}
