import { spawn } from 'node:child_process';

/** Runs a program to its end; status 127 where there is none of this name. Never rejects. */
export type RunProgram = (program: string, options: RunOptions) => Promise<Outcome>;

export interface RunOptions {
  readonly args: readonly string[];
  /** Added to the environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Outcome {
  readonly status: number;
  readonly output: string;
  readonly errors: string;
}

export const runProgram: RunProgram = (program, { args, environment }) =>
  new Promise((resolve) => {
    const child = spawn(program, [...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    const [output, errors]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (part: Buffer) => output.push(part));
    child.stderr.on('data', (part: Buffer) => errors.push(part));
    child.on('error', ({ message }) => resolve({ status: 127, output: '', errors: message }));
    child.on('close', (status, signal) =>
      resolve({
        status: status ?? 128,
        output: Buffer.concat(output).toString(),
        errors: Buffer.concat(errors).toString() + (signal ? `ended by ${signal}` : ''),
      }),
    );
  });
