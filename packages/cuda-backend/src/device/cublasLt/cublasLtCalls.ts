import { CudaError } from '../../cudaError.ts';
import type { CublasLtFunctions } from './cublasLtFunctions.ts';

/** The functions of cuBLASLt with every status checked. */
export class CublasLtCalls {
  readonly functions: CublasLtFunctions;
  readonly handle: bigint;

  /** @throws CudaError `cuda/product` where the library does not start on the current device */
  constructor(functions: CublasLtFunctions) {
    this.functions = functions;
    this.handle = this.make('cublasLtCreate', (cell) => functions.cublasLtCreate(cell));
  }

  /** Version as the library counts it: 120905 or 130100. */
  get version(): number {
    return this.functions.cublasLtGetVersion();
  }

  /** @throws CudaError `cuda/product` for a status that is not success */
  check(status: number, call: string): void {
    if (status === 0) return;
    const { cublasLtGetStatusName: nameOf, cublasLtGetStatusString: textOf } = this.functions;
    throw new CudaError(
      'cuda/product',
      `${call} fails with ${nameOf(status)} (${textOf(status)}); please report it with the versions that peft-cuda doctor prints.`,
    );
  }

  /** A handle that a call writes to its cell. */
  make(call: string, run: (cell: BigUint64Array) => number): bigint {
    const cell = new BigUint64Array(1);
    this.check(run(cell), call);
    return cell[0] as bigint;
  }

  close(): void {
    this.check(this.functions.cublasLtDestroy(this.handle), 'cublasLtDestroy');
  }
}
