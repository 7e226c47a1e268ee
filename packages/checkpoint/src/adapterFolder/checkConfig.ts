import { PeftError } from '@peft/core';
import { problemList, quoted } from '../problemList.ts';
import { sayValue, valueProblems } from './fieldValue.ts';
import type { PythonMethod } from './pythonMethods.ts';

type Config = Readonly<Record<string, unknown>>;

/**
 * Refuses an adapter_config.json with values that no Python PEFT writes, settings that contradict each other, and
 * settings that cannot be followed here (`checkpoint/adapter-config`, with all of them).
 */
export function checkConfig(what: string, config: Config, { fields }: PythonMethod): void {
  const known = Object.entries(fields).filter(([key]) => Object.hasOwn(config, key));
  const wrong = known.flatMap(([key, { value }]) => valueProblems(value, key, config[key]));
  const refused = known.flatMap(([key, { value, refuses }]) => {
    const reason = value.is(config[key]) ? refuses?.(config[key]) : undefined;
    return reason === undefined ? [] : [`${key} is ${sayValue(config[key])}: ${reason}`];
  });
  requireNone(what, [...wrong, ...refused, ...(wrong.length > 0 ? [] : contradictions(config))]);
}

/** Throws `checkpoint/adapter-config` with these problems, if there are any. */
export function requireNone(what: string, problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new PeftError(
    'checkpoint/adapter-config',
    `${what}: adapter_config.json cannot be used as it is; correct it, or save the adapter again:${problemList(problems, { shown: 50 })}`,
  );
}

function contradictions(config: Config): readonly string[] {
  const { target_modules: targets, layers_to_transform: layers, layers_pattern: container } = config;
  const { init_r: initRank = 12, tinit = 0, tfinal = 0, total_step: total, rank_pattern: pattern } = config;
  const isExpression = typeof targets === 'string';
  const hasLayers = layers !== undefined && layers !== null;
  const hasContainer = container !== undefined && container !== null;
  const isSchedule = typeof total === 'number' && typeof tinit === 'number' && typeof tfinal === 'number';
  const problems = [
    isExpression &&
      hasLayers &&
      'layers_to_transform narrows a list, and target_modules is an expression: put the layers into it',
    isExpression &&
      hasContainer &&
      'layers_pattern narrows a list, and target_modules is an expression: put the container into it',
    hasContainer &&
      (container as string | readonly string[]).length > 0 &&
      !hasLayers &&
      'layers_pattern is set without layers_to_transform: set both or none',
    isSchedule &&
      tinit + tfinal >= total &&
      `tinit ${tinit} and tfinal ${tfinal} leave none of the ${total} steps of total_step for the budget to fall: lower them or raise it`,
    ...Object.entries((pattern ?? {}) as object).map(
      ([key, live]) =>
        Array.isArray(live) &&
        live.length !== initRank &&
        `rank_pattern[${quoted(key)}] has ${live.length} entries, and ${initRank} are expected, one for each of init_r`,
    ),
  ];
  return problems.filter((problem) => typeof problem === 'string');
}
