// npm run bench: every package's own benchmark. npm run bench -- step ...: a measurement of benchmarks/ (--help lists them).
import { spawnSync } from 'node:child_process';
import { installAndBuild } from './installAndBuild.mjs';

const wanted = process.argv.slice(2).filter((word) => word !== '--');
if (await installAndBuild()) process.exitCode = 1;
else {
  const [command, args] =
    wanted.length > 0
      ? [process.execPath, ['benchmarks/dist/bench.js', ...wanted]]
      : ['pnpm', ['--recursive', '--workspace-concurrency=1', '--if-present', 'run', 'bench']];
  const shell = process.platform === 'win32' && wanted.length === 0;
  process.exitCode = spawnSync(command, args, { stdio: 'inherit', shell }).status ?? 1;
}
