import { PeftError } from '@peft/ops';
import type { Engine } from './engine.ts';

export interface FirstEngineOptions {
  /** Told once of each engine that was passed over, with the reason; console.warn unless given. */
  readonly onWarning?: (message: string) => void;
}

export interface FirstEngine extends Engine {
  /** The engine that runs the steps; opens it. */
  chosen(): Promise<Engine>;
}

/**
 * The first of these engines that opens on this machine, tried in their order at first use and kept from then on.
 *
 * @throws PeftError `core/engine` for an empty list, and at first use where none opens, with the reason of each
 */
export function firstEngine(engines: readonly Engine[], options: FirstEngineOptions = {}): FirstEngine {
  const { onWarning = console.warn } = options;
  if (!Array.isArray(engines) || engines.length === 0) {
    throw new PeftError(
      'core/engine',
      'firstEngine takes a list of at least one engine, the one to try first in front.',
    );
  }
  const wrong = engines.flatMap((engine: Engine | undefined | null, place) =>
    typeof engine?.compile === 'function' ? [] : [place],
  );
  if (wrong.length > 0) {
    throw new PeftError(
      'core/engine',
      `firstEngine: what stands at ${wrong.join(', ')} of the list cannot compile; put engines there, for example eagerEngine().`,
    );
  }
  let opened: Engine | undefined;
  let opening: Promise<Engine> | undefined;
  const choose = async (): Promise<Engine> => {
    const reasons: string[] = [];
    for (const engine of engines as readonly Engine[]) {
      try {
        await engine.open?.();
      } catch (error) {
        reasons.push(`${engine.name}: ${(error as Error).message}`);
        continue;
      }
      for (const reason of reasons) onWarning(`firstEngine uses ${engine.name}, for it cannot use ${reason}`);
      opened = engine;
      return engine;
    }
    const list = reasons.map((reason) => `\n  ${reason}`).join('');
    throw new PeftError('core/engine', `none of the engines opens on this machine:${list}`);
  };
  const chosen = () => {
    opening ??= choose();
    opening.catch(() => {
      opening = undefined;
    });
    return opening;
  };
  return {
    get name() {
      return opened?.name ?? engines.map(({ name }) => name).join(' or ');
    },
    compile: async (functions, weights) => (await chosen()).compile(functions, weights),
    open: async () => void (await chosen()),
    warnings: () => opened?.warnings?.() ?? [],
    chosen,
  };
}
