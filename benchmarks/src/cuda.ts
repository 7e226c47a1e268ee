// What benchmarks/cuda/run starts: the checks and times of the CUDA engine.
import { isPeftError } from '@peft/core';
import { cudaHelp, cudaOptions } from './cuda/cudaOptions.ts';
import { runCuda } from './cuda/runCuda.ts';

const args = process.argv.slice(2);
if (args.includes('--help')) console.log(cudaHelp);
else {
  try {
    const options = cudaOptions(args);
    const log = (line: string) => console.error(line);
    const findings = await runCuda(options, { command: ['benchmarks/cuda/run', ...args].join(' '), log });
    if (!options.out) console.log(JSON.stringify(findings, null, 2));
    console.error(`${findings.passed} passed, ${findings.failed.length} failed`);
    for (const name of [...findings.failed, ...findings.leftOut.map((each) => `${each} (left out)`)])
      console.error(`  ${name}`);
    process.exitCode = findings.failed.length > 0 ? 1 : 0;
  } catch (error) {
    if (!isPeftError(error)) throw error;
    console.error(error.message);
    process.exitCode = 2;
  }
}
