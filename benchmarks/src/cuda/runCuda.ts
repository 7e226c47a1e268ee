import { writeFileSync } from 'node:fs';
import type { Engine } from '@peft/core';
import { machineSaid } from '../report/machine.ts';
import { checkCurves } from './checkCurves.ts';
import { checkMemory } from './checkMemory.ts';
import { checkOperations } from './checkOperations.ts';
import { checkResume } from './checkResume.ts';
import type { CudaOptions, SectionName } from './cudaOptions.ts';
import type { Finding, Precision, Section } from './section.ts';
import { timeHost } from './timeHost.ts';
import { timeSteps } from './timeSteps.ts';

const sections: Readonly<Record<SectionName, Section>> = {
  operations: checkOperations,
  curves: checkCurves,
  resume: checkResume,
  memory: checkMemory,
  host: timeHost,
  times: timeSteps,
};

/** What a run of the script writes. */
export interface CudaFindings {
  readonly started: string;
  readonly command: string;
  readonly machine: string;
  /** What `describe()` says of the engine. */
  readonly engine: unknown;
  readonly sections: Partial<Record<SectionName, { readonly seconds: number; readonly findings: readonly Finding[] }>>;
  readonly passed: number;
  /** Names of what did not. */
  readonly failed: readonly string[];
  /** Sections that the time was not enough for. */
  readonly leftOut: readonly string[];
}

export interface CudaRun {
  /** As it was typed. */
  readonly command: string;
  engineOf(precision: Precision): Engine;
  log(line: string): void;
}

/** Runs the sections one after another and writes, after each finding, what is known so far. */
export async function runCuda(options: CudaOptions, { command, engineOf, log }: CudaRun): Promise<CudaFindings> {
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  const describing = engineOf('float32') as Engine & { describe(): Promise<unknown> };
  let findings: CudaFindings = {
    started: new Date().toISOString(),
    command,
    machine: machineSaid(),
    engine: await describing.describe(),
    sections: {},
    passed: 0,
    failed: [],
    leftOut: [],
  };
  log(JSON.stringify(findings.engine));
  const hasTime = (seconds: number) => elapsed() + seconds < options.seconds;
  for (const name of options.only) {
    if (!hasTime(10)) {
      findings = { ...findings, leftOut: [...findings.leftOut, name] };
      log(`${name}: left out, the time is up`);
      continue;
    }
    const start = elapsed();
    const call = { engineOf, isSmall: options.isSmall, python: options.python, hasTime, log };
    const found: Finding[] = [];
    for await (const finding of sections[name].run(call)) {
      found.push(finding);
      findings = {
        ...findings,
        sections: { ...findings.sections, [name]: { seconds: elapsed() - start, findings: found } },
        passed: findings.passed + Number(finding.passed),
        failed: finding.passed ? findings.failed : [...findings.failed, `${name}: ${finding.name}`],
      };
      if (options.out) writeFileSync(options.out, `${JSON.stringify(findings, null, 2)}\n`);
    }
    const failed = found.filter(({ passed }) => !passed).length;
    log(`${name}: ${found.length - failed} passed, ${failed} failed, ${(elapsed() - start).toFixed(0)} s`);
  }
  return findings;
}
