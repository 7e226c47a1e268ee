import type { CudaEngineOptions } from './cudaEngine.ts';
import { CudaError } from './cudaError.ts';
import { shownValue } from './shownValue.ts';

const known: Readonly<Record<keyof CudaEngineOptions, true>> = {
  device: true,
  precision: true,
  memoryBudget: true,
  libraries: true,
  cacheFolder: true,
  graphs: true,
  onWarning: true,
};
const libraries = ['driver', 'nvrtc', 'cublasLt'];
const precisions = ['float32', 'tf32', 'bf16'];

/** Refuses options that are misspelt or impossible, all at once. @throws CudaError `cuda/options` */
export function checkOptions(options: CudaEngineOptions): void {
  if (!isRecord(options)) {
    const names = Object.keys(known).join(', ');
    throw new CudaError(
      'cuda/options',
      `cudaEngine: the options are ${shownValue(options)}; give a record of ${names}.`,
    );
  }
  const problems = Object.keys(options)
    .filter((name) => !Object.hasOwn(known, name))
    .map((name) => `there is no option "${name}"; there are ${Object.keys(known).join(', ')}`);
  const { device, precision, memoryBudget, cacheFolder, graphs, onWarning } = options;
  const expectThat = (
    name: string,
    value: unknown,
    { isRight, is }: { readonly isRight: boolean; readonly is: string },
  ) => {
    if (value !== undefined && !isRight) problems.push(`${name} is ${shownValue(value)}; it is ${is}`);
  };
  expectThat('device', device, {
    isRight: Number.isInteger(device) && Number(device) >= 0,
    is: 'a whole number from 0 on',
  });
  expectThat('precision', precision, {
    isRight: precisions.includes(precision as string),
    is: "'float32', 'tf32' or 'bf16'",
  });
  expectThat('memoryBudget', memoryBudget, {
    isRight: Number.isFinite(memoryBudget) && Number(memoryBudget) > 0,
    is: 'a number of bytes above 0',
  });
  expectThat('cacheFolder', cacheFolder, {
    isRight: typeof cacheFolder === 'string' && cacheFolder !== '',
    is: 'the path of a folder',
  });
  expectThat('graphs', graphs, { isRight: typeof graphs === 'boolean', is: 'true or false' });
  expectThat('onWarning', onWarning, { isRight: typeof onWarning === 'function', is: 'a function of a text' });
  problems.push(...libraryProblems(options.libraries));
  if (problems.length === 0) return;
  throw new CudaError('cuda/options', `cudaEngine: ${problems.join('; ')}.`);
}

function libraryProblems(given: CudaEngineOptions['libraries']): readonly string[] {
  if (given === undefined) return [];
  if (!isRecord(given)) {
    return [`libraries is ${shownValue(given)}; it is a record of paths: ${libraries.join(', ')}`];
  }
  return Object.entries(given).flatMap(([name, path]) => {
    if (!libraries.includes(name)) return [`there is no library "${name}"; there are ${libraries.join(', ')}`];
    return path === undefined || (typeof path === 'string' && path !== '')
      ? []
      : [`libraries.${name} is ${shownValue(path)}; it is the path of a file`];
  });
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
