import { CompilerError } from './compilerError.ts';

/** Lets the calls of a program run one after another, and none after its end. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #isOver = false;

  /** Whether work that is taken now begins at once. */
  get isFree(): boolean {
    return this.#waiting === 0 && !this.#isOver;
  }

  /** Runs work once all before it has ended. @throws CompilerError `compiler/disposed` once `end` was called */
  take<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#isOver) {
      const message = 'this program was disposed of; compile the functions again.';
      return Promise.reject(new CompilerError('compiler/disposed', message));
    }
    this.#waiting++;
    const turn = this.#last.then(work, work);
    const ended = () => {
      this.#waiting--;
    };
    this.#last = turn.then(ended, ended);
    return turn;
  }

  /** Refuses what comes later, and frees once what is in flight has ended; does nothing the second time. */
  end(free: () => Promise<void>): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#last = this.#last.then(free, free);
  }
}
