import type { TargetOptions } from './targetSelection.ts';

function show(value: unknown): string {
  return value instanceof RegExp || value === undefined ? String(value) : (JSON.stringify(value) ?? String(value));
}

function selectionProblem(name: string, value: unknown): string | undefined {
  if (value instanceof RegExp) return undefined;
  if (value === '') return `${name} is an empty string; write a regular expression or a list of module names.`;
  if (typeof value === 'string') return undefined;
  if (!Array.isArray(value)) {
    return `${name} is ${show(value)}; write a regular expression or a list of module names.`;
  }
  return namesProblem(name, value);
}

function namesProblem(name: string, value: readonly unknown[]): string | undefined {
  const at = value.findIndex((entry) => typeof entry !== 'string' || entry === '');
  if (at < 0) return undefined;
  return `${name} holds ${show(value[at])} at index ${at}; every entry must be a module name.`;
}

function layersProblem(layers: unknown): string | undefined {
  const list: readonly unknown[] = Array.isArray(layers) ? layers : [layers];
  const wrong = list.find((layer) => !Number.isInteger(layer) || Number(layer) < 0);
  if (wrong === undefined && !list.includes(undefined)) return undefined;
  return `layers holds ${typeof wrong === 'number' ? String(wrong) : show(wrong)}; layer numbers are whole and start at 0.`;
}

/** What is wrong with the options' values, one sentence each, before any expression is compiled. */
export function selectionProblems(options: TargetOptions): readonly string[] {
  const { targets, exclude, layers, layersPattern, modulesToSave, outputHead } = options;
  const isList = Array.isArray(targets);
  const isAllLinear = typeof targets === 'string' && targets.toLowerCase() === 'all-linear';
  const expression = isAllLinear ? show(targets) : `the expression ${show(targets)}`;
  const kind = targets instanceof RegExp || typeof targets === 'string' ? expression : '';
  const hasPattern = layersPattern !== undefined && layersPattern.length > 0;
  const listed = { layersPattern, modulesToSave, outputHead };
  const problems = [
    isList && targets.length === 0 ? 'targets is an empty list; name at least one module.' : undefined,
    selectionProblem('targets', targets),
    exclude === undefined ? undefined : selectionProblem('exclude', exclude),
    layers === undefined ? undefined : layersProblem(layers),
    kind !== '' && layers !== undefined
      ? `layers cannot narrow ${kind}; put the layer numbers into it, or list module names.`
      : undefined,
    kind !== '' && layersPattern !== undefined
      ? `layersPattern cannot narrow ${kind}; put the container into it, or list module names.`
      : undefined,
    hasPattern && layers === undefined && kind === ''
      ? `layersPattern is ${show(layersPattern)} without layers; add layers or remove layersPattern.`
      : undefined,
    ...Object.entries(listed).map(([name, value]) => {
      if (value === undefined || (name === 'layersPattern' && typeof value === 'string')) return undefined;
      return Array.isArray(value)
        ? namesProblem(name, value)
        : `${name} is ${show(value)}; write a list of module names.`;
    }),
  ];
  return problems.filter((problem) => problem !== undefined);
}
