import { isPeftError } from '@peft/core';
import { cudaHelp, cudaOptions } from './cudaOptions.ts';
import { type CudaRun, runCuda } from './runCuda.ts';

/** Runs what the command line asks for and tells it; sets the exit status. */
export async function tellFindings(
  command: string,
  engineOf: (engine: 'cuda' | 'onnx', log: (line: string) => void) => CudaRun['engineOf'],
): Promise<void> {
  const args = process.argv.slice(2);
  if (args.includes('--help')) {
    console.log(cudaHelp);
    return;
  }
  const log = (line: string) => console.error(line);
  try {
    const options = cudaOptions(args);
    const said = [command, ...args].join(' ');
    const findings = await runCuda(options, { command: said, engineOf: engineOf(options.engine, log), log });
    if (!options.out) console.log(JSON.stringify(findings, null, 2));
    log(`${findings.passed} passed, ${findings.failed.length} failed`);
    for (const name of [...findings.failed, ...findings.leftOut.map((each) => `${each} (left out)`)]) log(`  ${name}`);
    process.exitCode = findings.failed.length > 0 ? 1 : 0;
  } catch (error) {
    if (!isPeftError(error)) throw error;
    log(error.message);
    process.exitCode = 2;
  }
}
