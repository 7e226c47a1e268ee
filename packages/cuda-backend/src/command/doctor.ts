import type { Door } from './door.ts';

/** Both ways to the GPU, as `peft-cuda doctor --json` prints them. */
export interface Diagnosis {
  /** Whether one of the doors computes on a GPU. */
  readonly works: boolean;
  readonly node: string;
  readonly platform: string;
  readonly doors: readonly Door[];
}

export function diagnosisOf(
  doors: readonly Door[],
  { node, platform }: Pick<Diagnosis, 'node' | 'platform'>,
): Diagnosis {
  return { works: doors.some((door) => door.works), node, platform, doors };
}

const titles: Readonly<Record<Door['name'], string>> = {
  tfjsGpu: 'tfjsGpu(), eager TensorFlow.js on TensorFlow',
  cudaEngine: 'cudaEngine(), captured steps on CUDA',
};

/** A diagnosis as lines to read: for each door its parts, then the command that mends it. */
export function printDiagnosis({ doors, node, platform }: Diagnosis): string {
  const lines = doors.flatMap(({ name, works, findings, reasons = [], remedy }) => [
    '',
    `${titles[name]}: ${works ? 'computes on the GPU' : 'does not compute on a GPU here'}`,
    ...findings.map(({ part, isFound, what }) => `  ${isFound ? 'found  ' : 'missing'}  ${part.padEnd(10)}  ${what}`),
    ...reasons.map((reason) => `  ${reason}`),
    ...(remedy === undefined ? [] : [`  to mend it, ${remedy}`]),
  ]);
  return [`Node ${node} on ${platform}`, ...lines].join('\n');
}
