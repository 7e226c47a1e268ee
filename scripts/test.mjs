// npm test [-- folder ...]: installs, builds, runs the suite of every package, and prints "N passed, N failed" last.
// A failed install or build and a suite that ran no test count as one failure each.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { eachAtOnce } from './eachAtOnce.mjs';
import { installAndBuild } from './installAndBuild.mjs';
import { runCommand } from './runCommand.mjs';
import { workspacePackages } from './workspacePackages.mjs';

const wanted = process.argv.slice(2);
const reports = mkdtempSync(join(tmpdir(), 'peft-test-'));
const total = { passed: 0, failed: 0, skipped: 0 };

function countReport(file, status) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  if (existsSync(file)) {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    // A file that throws while it is collected fails as a suite without a single test to its name.
    const unread = report.testResults.filter(
      ({ status, assertionResults }) => status === 'failed' && !assertionResults.length,
    );
    counts.passed = report.numPassedTests;
    counts.failed = report.numFailedTests + unread.length;
    counts.skipped = report.numPendingTests + report.numTodoTests;
  }
  const ranNothing = counts.passed + counts.failed === 0;
  if (ranNothing || (status !== 0 && counts.failed === 0)) counts.failed += 1;
  return { ...counts, ranNothing };
}

async function runSuite({ folder }) {
  const start = performance.now();
  const report = join(reports, `${folder.replaceAll('/', '-')}.json`);
  const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { status, output } = await runCommand('vitest', args, { folder });
  const counts = countReport(report, status);
  for (const name of Object.keys(total)) total[name] += counts[name];
  if (counts.failed > 0) console.log(`\n${output.trimEnd()}\n`);
  const parts = [
    `${folder.padEnd(24)}${counts.passed} passed`,
    counts.failed > 0 && `${counts.failed} FAILED`,
    counts.skipped > 0 && `${counts.skipped} skipped`,
    counts.ranNothing && 'NO TEST RAN',
    `${((performance.now() - start) / 1000).toFixed(1)} s`,
  ];
  console.log(parts.filter(Boolean).join('  '));
}

const broken = await installAndBuild();
if (broken) total.failed += 1;
// Tests read sources, never builds: after a broken build the suites still say what works.
if (broken !== 'install') {
  const suites = workspacePackages().filter(
    ({ folder, manifest, published }) =>
      (published || manifest.scripts?.test) && (wanted.length === 0 || wanted.includes(basename(folder))),
  );
  if (suites.length === 0) total.failed += 1;
  await eachAtOnce(suites, Math.max(2, Math.floor(availableParallelism() / 2)), runSuite);
}
rmSync(reports, { recursive: true, force: true });

process.exitCode = total.failed === 0 ? 0 : 1;
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
