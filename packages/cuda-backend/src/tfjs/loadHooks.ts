import { createRequire } from 'node:module';

type Load = (this: unknown, ...call: LoadCall) => unknown;
type LoadCall = readonly [request: string, parent: { readonly filename?: string } | undefined, ...rest: unknown[]];
interface ModuleLoader {
  _load: Load;
}

const require = createRequire(import.meta.url);
const ofTfjsNode = /[\\/]tfjs-node(?:-gpu)?[\\/]dist[\\/]/;
const nodePreGyp = '@mapbox/node-pre-gyp';

/** Hooks of loads that ended, with what they were put over. */
const ended = new Map<Load, Load>();

/**
 * Runs `load`, which loads tfjs-node, and gives that package alone what it lacks: the functions of `util` that Node 23
 * took away, and the addon where it is not in its usual place. Nothing else sees them, during the load or afterwards.
 */
export async function withLoadHooks<Result>(load: () => Result, addon: string | undefined): Promise<Awaited<Result>> {
  const loader = require('node:module') as ModuleLoader;
  const before = loader._load;
  let isActive = true;
  const hooked: Load = function (...call) {
    const [request, parent] = call;
    const value = before.apply(this, call);
    if (!isActive || !ofTfjsNode.test(parent?.filename ?? '')) return value;
    if (request === 'util') return withRemovedFunctions(value as object);
    return request === nodePreGyp && addon !== undefined ? { ...(value as object), find: () => addon } : value;
  };
  loader._load = hooked;
  try {
    return await load();
  } finally {
    isActive = false;
    ended.set(hooked, before);
    // Whoever hooked in later calls this hook: then it stays, doing nothing, until they are gone.
    for (let under = ended.get(loader._load); under; under = ended.get(loader._load)) {
      ended.delete(loader._load);
      loader._load = under;
    }
  }
}

function withRemovedFunctions(util: object): object {
  return Object.assign(Object.create(util), {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  });
}
