/** One word after `pnpm bench`. */
export type Command = {
  /** One line for the list of commands. */
  readonly title: string;
  readonly help: string;
  /** Resolves to the exit status. */
  run(args: readonly string[]): Promise<number>;
};
