import { CudaError } from '../cudaError.ts';
import type { CompileRequest, Compiler } from './compiler.ts';
import { compilerTarget } from './compilerTarget.ts';
import type { NvrtcFunctions } from './nvrtcFunctions.ts';

const compilationStatus = 6;
const builtinStatus = 7;

/** What every text is compiled with. */
export const usualOptions: readonly string[] = ['--std=c++17'];

/** The compiler of a loaded NVRTC. @throws CudaError `cuda/compiler` where it does not answer */
export function nvrtcCompiler(functions: NvrtcFunctions): Compiler {
  const check = (status: number, call: string) => {
    if (status === 0) return;
    throw new CudaError(
      'cuda/compiler',
      `${call} fails with ${functions.nvrtcGetErrorString(status)}; ${status === builtinStatus ? builtinAdvice : 'please report it'}.`,
    );
  };
  const major = new Int32Array(1);
  const minor = new Int32Array(1);
  check(functions.nvrtcVersion(major, minor), 'nvrtcVersion');
  const version = `NVRTC ${major[0]}.${minor[0]}`;
  const architectures = supported(functions, check);

  function targetOf({ architecture }: CompileRequest) {
    return compilerTarget(architecture, architectures);
  }

  function optionsOf(request: CompileRequest): readonly string[] {
    return [`--gpu-architecture=${targetOf(request).architecture}`, ...usualOptions, ...(request.options ?? [])];
  }

  return {
    version,
    optionsOf,
    async compile(text, request) {
      const cell = new BigUint64Array(1);
      check(functions.nvrtcCreateProgram(cell, text, request.name, 0, null, null), 'nvrtcCreateProgram');
      const program = cell[0] as bigint;
      const read = (what: 'ProgramLog' | 'CUBIN' | 'PTX') => {
        const size = new BigUint64Array(1);
        check(functions[`nvrtcGet${what}Size`](program, size), `nvrtcGet${what}Size`);
        const bytes = new Uint8Array(Number(size[0]));
        check(functions[`nvrtcGet${what}`](program, bytes), `nvrtcGet${what}`);
        return bytes;
      };
      try {
        const options = optionsOf(request);
        const status = await functions.nvrtcCompileProgram.later(program, options.length, options);
        // The log ends with a zero.
        const log = new TextDecoder().decode(read('ProgramLog')).replaceAll('\0', '').trim();
        if (status === compilationStatus) {
          const { architecture } = targetOf(request);
          throw new CudaError(
            'cuda/compile',
            `${request.name} does not compile for ${architecture} with ${version}; please report it with what the compiler says:\n${log}`,
          );
        }
        check(status, `nvrtcCompileProgram of ${request.name}`);
        const { format } = targetOf(request);
        return { image: read(format === 'cubin' ? 'CUBIN' : 'PTX'), log };
      } finally {
        cell[0] = program;
        functions.nvrtcDestroyProgram(cell);
      }
    },
  };
}

const builtinAdvice = 'NVRTC does not find its builtins (libnvrtc-builtins), which are installed beside it';

function supported(functions: NvrtcFunctions, check: (status: number, call: string) => void): number[] {
  const count = new Int32Array(1);
  check(functions.nvrtcGetNumSupportedArchs(count), 'nvrtcGetNumSupportedArchs');
  const architectures = new Int32Array(count[0] ?? 0);
  check(functions.nvrtcGetSupportedArchs(architectures), 'nvrtcGetSupportedArchs');
  return [...architectures].sort((left, right) => left - right);
}
