// npm run test:tensorflow -- [--python python3 | --wheel tensorflow.whl …]: builds tfjs-node's addon against a TensorFlow
// in a temporary folder, then runs the tests of every package that chooses a backend on it.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildTfjs } from '../../../src/tfjs/build/buildTfjs.ts';
import { thisTfjsMachine } from '../../../src/tfjs/tfjsMachine.ts';
import { suites } from './suites.ts';

const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    wheel: { type: 'string', multiple: true },
    suite: { type: 'string', multiple: true },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'peft-tensorflow-'));
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const total = { passed: 0, failed: 0, operations: 0 };

/** Runs the tests of a package; what they print is shown where one fails. */
function runVitest(name: string, report: string, environment: Readonly<Record<string, string>>): Promise<string> {
  const config = join(import.meta.dirname, 'vitest.config.ts');
  const args = [
    vitest,
    'run',
    '--config',
    config,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment, PEFT_TENSORFLOW_SUITE: name, NO_COLOR: '1' },
    });
    const parts: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => parts.push(part));
    child.on('close', () => resolve(Buffer.concat(parts).toString()));
  });
}

async function testSuite(name: string, addon: string): Promise<void> {
  const start = performance.now();
  const [report, count] = [join(folder, `${name}.json`), join(folder, `${name}.count`)];
  const output = await runVitest(name, report, {
    PEFT_TENSORFLOW_ADDON: addon,
    PEFT_TENSORFLOW_COUNT: count,
    // Equal runs give equal bits, and products keep all of float32, on a GPU too.
    ...{ TF_DETERMINISTIC_OPS: '1', NVIDIA_TF32_OVERRIDE: '0', TF_CPP_MIN_LOG_LEVEL: '2' },
  });
  const counts = existsSync(report)
    ? (JSON.parse(readFileSync(report, 'utf8')) as {
        readonly numPassedTests: number;
        readonly numFailedTests: number;
        readonly numFailedTestSuites: number;
      })
    : { numPassedTests: 0, numFailedTests: 1, numFailedTestSuites: 1 };
  const operations = existsSync(count)
    ? readFileSync(count, 'utf8')
        .trim()
        .split('\n')
        .reduce((sum, line) => sum + Number(line.split(' ')[1]), 0)
    : 0;
  const failed = counts.numFailedTests || counts.numFailedTestSuites || (operations === 0 ? 1 : 0);
  if (failed > 0) console.log(output);
  total.passed += counts.numPassedTests;
  total.failed += failed;
  total.operations += operations;
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(
    `${name.padEnd(12)}${counts.numPassedTests} passed  ${failed} failed  ${operations} operations of TensorFlow  ${seconds} s`,
  );
}

try {
  const { wheel: wheels, python } = values;
  const built = await buildTfjs(await thisTfjsMachine(), { wheels, python, out: folder, onProgress: console.log });
  console.log(`TensorFlow ${built.tensorflow} computes on the ${built.usesGpu ? 'GPU' : 'CPU'}`);
  const wanted = suites.filter(({ name }) => values.suite?.includes(name) ?? true);
  for (const { name } of wanted) await testSuite(name, built.addon);
  for (const { name, leftOut = {} } of wanted) {
    for (const [file, reason] of Object.entries(leftOut))
      console.log(`left out: packages/${name}/${file}, which ${reason}`);
  }
  console.log(`${total.passed} passed, ${total.failed} failed, by ${total.operations} operations of TensorFlow`);
  process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
} catch (error) {
  console.log((error as Error).message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
