import { isPeftError, PeftError } from '@peft/ops';

/** Collects what is wrong, so that it can be said once. */
export class Problems {
  readonly #errors: PeftError[] = [];

  get isEmpty(): boolean {
    return this.#errors.length === 0;
  }

  of<T>(check: () => T): T | undefined {
    try {
      return check();
    } catch (error) {
      if (!isPeftError(error)) throw error;
      this.#errors.push(error);
      return undefined;
    }
  }

  when(isWrong: boolean, message: string): void {
    if (isWrong) this.#errors.push(new PeftError('option/conflict', `fineTune: ${message}`));
  }

  throwAny(): void {
    const [first] = this.#errors;
    if (!first) return;
    if (this.#errors.length === 1) throw first;
    throw new PeftError(
      first.code,
      `fineTune: ${this.#errors.length} options are wrong:\n${this.#errors.map(({ message }) => `- ${message}`).join('\n')}`,
    );
  }
}
