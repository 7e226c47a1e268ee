import type { Value } from '@peft/graph';
import type { Step } from '../step.ts';

/** The steps without those that make nothing anybody wants. */
export function withoutUnread(steps: readonly Step[], returned: ReadonlySet<Value>): readonly Step[] {
  const wanted = new Set(returned);
  const kept = steps.toReversed().filter(({ inputs, outputs }) => {
    const isWanted = outputs.some((output) => wanted.has(output));
    if (isWanted) for (const input of inputs) wanted.add(input);
    return isWanted;
  });
  return kept.toReversed();
}
