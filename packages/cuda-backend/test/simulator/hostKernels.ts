import koffi, { type LibraryHandle } from 'koffi';
import { kernelText } from '../../src/device/kernelSource.ts';
import type { ParameterBlock } from '../../src/device/parameterBlock.ts';
import type { KernelReference } from '../../src/plan/command.ts';
import { compileHost, simulatorText } from './hostCompiler.ts';
import { hostRuntime, runtimeLibrary } from './hostRuntime.ts';

/** A launch of a kernel on the host. */
export interface HostLaunch {
  readonly blocks: number;
  readonly threads: number;
  readonly sharedBytes?: number;
  readonly parameters: ParameterBlock;
}

interface HostModule {
  readonly library: LibraryHandle;
  readonly launch: (
    name: string,
    blocks: number,
    threads: number,
    sharedBytes: number,
    parameters: Uint8Array,
  ) => number;
  readonly parameterBytes: (name: string) => number;
}

const modules = new Map<string, HostModule>();

/** Bounds of arrays and alignment of vectors are checked as a kernel runs. */
export const kernelFlags: readonly string[] = [
  '-O1',
  '-fsanitize=bounds,alignment',
  '-fsanitize-undefined-trap-on-error',
];

// Each access to memory is watched: that it is inside an allocation, and that a barrier orders it.
const watched = ['-fsanitize=thread', '--param=tsan-instrument-func-entry-exit=0'];

/** All text that the compiler of the host is given for the text of kernels. */
export function hostText(kernels: string): string {
  const shim = simulatorText('hostShim.hpp');
  return `${shim}\nnamespace {\n${kernels}\n}  // namespace\n#line 1 "exports"\nPEFT_HOST_EXPORTS\n`;
}

/** The library of a file of kernels, built where it is not there yet. */
export function kernelLibrary({ file, source }: Pick<KernelReference, 'file' | 'source'>): string {
  const text = hostText(kernelText(file, source));
  return compileHost({ name: file, text, flags: [...kernelFlags, ...watched], libraries: [runtimeLibrary()] });
}

/** Runs a kernel to its end. @throws Error that names kernel, block, thread and what went wrong */
export function launchOnHost(
  kernel: KernelReference,
  { blocks, threads, sharedBytes = 0, parameters }: HostLaunch,
): void {
  const module = moduleOf(kernel);
  const wanted = module.parameterBytes(kernel.name);
  const { bytes } = parameters;
  if (wanted > 0 && Math.ceil(wanted / 8) * 8 !== bytes.length) {
    throw new Error(`${kernel.name} takes a struct of ${wanted} bytes, and its arguments fill ${bytes.length}.`);
  }
  hostRuntime().check(module.launch(kernel.name, blocks, threads, sharedBytes, bytes));
}

function moduleOf(kernel: KernelReference): HostModule {
  const key = kernel.source === undefined ? kernel.file : `${kernel.file}\n${kernel.source}`;
  const known = modules.get(key);
  if (known) return known;
  const runtime = hostRuntime();
  const library = koffi.load(kernelLibrary(kernel));
  runtime.setOrder('forward');
  const module = {
    library,
    launch: library.func('peftLaunch', 'int', ['str', 'uint', 'uint', 'uint', 'void*']),
    parameterBytes: library.func('peftParameterBytes', 'uint', ['str']),
  } as unknown as HostModule;
  modules.set(key, module);
  return module;
}
