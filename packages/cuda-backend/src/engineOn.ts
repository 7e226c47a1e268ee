import type { CudaEngine } from './cudaEngine.ts';
import type { OpenedEngine } from './openEngine.ts';
import { CudaProgram } from './program/cudaProgram.ts';

/** An engine on the device that opens at first use. */
export function engineOn(open: () => Promise<OpenedEngine>): CudaEngine {
  let opening: Promise<OpenedEngine> | undefined;
  const opened = () => {
    const current = opening ?? open();
    opening = current;
    // What is missing now may be there at the next try.
    current.catch(() => {
      if (opening === current) opening = undefined;
    });
    return current;
  };
  return {
    name: 'cuda',
    compile: async (functions, weights) => new CudaProgram(functions, weights, (await opened()).device),
    open: async () => void (await opened()),
    describe: async () => (await opened()).describe(),
    dispose() {
      const current = opening;
      opening = undefined;
      current?.then(
        ({ device }) => device.close(),
        () => undefined,
      );
    },
  };
}
