import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { PeftError } from '@peft/core';

type Answer = Readonly<Record<string, unknown>>;

export type PeerCommand = {
  /** How messages call it. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
};

const keptErrorLines = 12;

/** A process that answers each line of JSON on its standard input by one on its standard output, and rests in between. */
export class Peer {
  readonly name: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #errors: string[] = [];
  #waiting: { resolve: (line: string) => void; reject: (error: Error) => void } | undefined;
  #ended: string | undefined;

  constructor({ name, command, args, environment }: PeerCommand) {
    this.name = name;
    this.#child = spawn(command, args, { env: { ...process.env, ...environment } });
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#waiting?.resolve(line));
    createInterface({ input: this.#child.stderr }).on('line', (line) => {
      this.#errors.push(line);
      if (this.#errors.length > keptErrorLines) this.#errors.shift();
    });
    this.#child.on('error', (error) => this.#end(`could not start: ${error.message}`));
    this.#child.on('close', (status, signal) => this.#end(`ended by ${signal ?? `status ${status}`}`));
    // A write to a process that just died is reported by its end.
    this.#child.stdin.on('error', () => undefined);
  }

  /** Process id; 0 where the process never started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /**
   * Sends one request and waits for its answer; one at a time.
   * @throws PeftError `bench/peer` when the process reports an error, ends, or takes longer than `seconds`.
   */
  async ask<T extends Answer = Answer>(request: Answer & { readonly do: string }, seconds: number): Promise<T> {
    if (this.#ended) throw this.#failure(this.#ended);
    const line = new Promise<string>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    const timer = setTimeout(() => {
      this.#waiting?.reject(this.#failure(`"${request.do}" took longer than ${seconds} s`));
      this.#child.kill('SIGKILL');
    }, 1000 * seconds);
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    try {
      const answer = JSON.parse(await line) as T & { readonly error?: string };
      if (answer.error !== undefined) throw this.#failure(answer.error);
      return answer;
    } finally {
      clearTimeout(timer);
      this.#waiting = undefined;
    }
  }

  /** Ends the process: its input closes, and after two seconds it is killed. */
  async close(): Promise<void> {
    if (this.#ended) return;
    const closed = new Promise<void>((resolve) => this.#child.once('close', () => resolve()));
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 2000);
    await closed;
    clearTimeout(timer);
  }

  #end(reason: string): void {
    this.#ended ??= reason;
    this.#waiting?.reject(this.#failure(reason));
  }

  #failure(reason: string): PeftError {
    const said = this.#errors.length > 0 ? `\n  ${this.#errors.join('\n  ')}` : '';
    return new PeftError('bench/peer', `${this.name}: ${reason}${this.#ended ? said : ''}`);
  }
}
