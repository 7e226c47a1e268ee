import { runCommand } from './runCommand.mjs';

const commands = [
  ['install', process.execPath, ['scripts/pnpm.mjs', 'install', '--frozen-lockfile', '--prefer-offline']],
  ['build', 'turbo', ['run', 'build', '--output-logs=errors-only', '--continue=dependencies-successful']],
];

/** Installs what the lockfile says and builds what changed, a line each; resolves to the name of what failed, if any. */
export async function installAndBuild() {
  for (const [name, command, args] of commands) {
    const start = performance.now();
    process.stdout.write(name.padEnd(24));
    const { status, output } = await runCommand(command, args);
    console.log(`${status === 0 ? 'done' : 'FAILED'}  ${((performance.now() - start) / 1000).toFixed(1)} s`);
    if (status !== 0) {
      console.log(output.trimEnd());
      return name;
    }
  }
  return undefined;
}
