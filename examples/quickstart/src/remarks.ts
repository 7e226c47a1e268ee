import type { MethodResult } from './results.ts';

/** Where the figures speak against a chain, said in words: the chain below one of its rivals. */
export function remarks(results: readonly MethodResult[]): readonly string[] {
  const accuracyOf = (name: string) => results.find((result) => result.name === name)?.accuracyMean;
  const rivals = [
    ['lora-r1', 'one LoRA of its links’ rank'],
    ['lora-r5', 'one LoRA of its summed rank'],
    ['restart-only', 'the control that never merges'],
  ] as const;
  const chain = accuracyOf('cola');
  if (chain === undefined) return [];
  const ahead = rivals.filter(([name]) => (accuracyOf(name) ?? 0) > chain).map(([, said]) => said);
  if (ahead.length === 0) return [];
  return [
    `In these figures ${listed(ahead)} ended above the chain. A chain needs enough steps for every link: each begins anew.`,
  ];
}

function listed(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}
