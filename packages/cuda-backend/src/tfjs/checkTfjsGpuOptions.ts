import { CudaError } from '../cudaError.ts';
import { shownValue } from '../shownValue.ts';
import { tfjsPackages } from './installedPackage.ts';
import type { TfjsGpuOptions } from './tfjsGpu.ts';

const known: Readonly<Record<keyof TfjsGpuOptions, true>> = {
  tensorflow: true,
  addon: true,
  allowCpu: true,
  growMemory: true,
  onWarning: true,
};

/** Refuses options that are misspelt or impossible, all at once. @throws CudaError `cuda/options` */
export function checkTfjsGpuOptions(options: TfjsGpuOptions): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const names = Object.keys(known).join(', ');
    throw new CudaError('cuda/options', `tfjsGpu: the options are ${shownValue(options)}; give a record of ${names}.`);
  }
  const problems = Object.keys(options)
    .filter((name) => !Object.hasOwn(known, name))
    .map((name) => `there is no option "${name}"; there are ${Object.keys(known).join(', ')}`);
  const { tensorflow, addon, allowCpu, growMemory, onWarning } = options;
  const isPackage = typeof tensorflow === 'string' && tfjsPackages.some((name) => name === tensorflow);
  if (tensorflow === null || !(isPackage || ['undefined', 'function', 'object'].includes(typeof tensorflow))) {
    problems.push(
      `tensorflow is ${shownValue(tensorflow)}; it is '${tfjsPackages.join("', '")}', a function that loads one of them, or what they export`,
    );
  }
  if (addon !== undefined && typeof addon !== 'string') {
    problems.push(`addon is ${shownValue(addon)}; it is the path of a tfjs_binding.node`);
  }
  for (const [name, value] of Object.entries({ allowCpu, growMemory })) {
    if (value !== undefined && typeof value !== 'boolean') {
      problems.push(`${name} is ${shownValue(value)}; it is true or false`);
    }
  }
  if (onWarning !== undefined && typeof onWarning !== 'function') {
    problems.push(`onWarning is ${shownValue(onWarning)}; it is a function of a text`);
  }
  if (problems.length === 0) return;
  throw new CudaError('cuda/options', `tfjsGpu: ${problems.join('; ')}.`);
}
