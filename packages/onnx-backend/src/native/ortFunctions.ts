import type { TypedArray } from '@peft/graph';
import type * as Koffi from 'koffi';
import { OnnxError } from '../onnxError.ts';
import { ortApiIndices, ortApiVersion } from './ortApi.generated.ts';

/** An address in native memory. */
export type Pointer = bigint;

type FunctionName = keyof typeof ortApiIndices;
type KoffiModule = (typeof Koffi)['default'];

const status = 'void*';

/** Results and parameters of the functions, as the public header declares them. */
const signatures = {
  GetErrorCode: ['int', ['void*']],
  GetErrorMessage: ['str', ['void*']],
  CreateEnv: [status, ['int', 'str', 'void*']],
  CreateSessionFromArray: [status, ['void*', 'void*', 'size_t', 'void*', 'void*']],
  CreateSessionOptions: [status, ['void*']],
  DisableMemPattern: [status, ['void*']],
  EnableProfiling: [status, ['void*', process.platform === 'win32' ? 'str16' : 'str']],
  SetSessionGraphOptimizationLevel: [status, ['void*', 'int']],
  SetIntraOpNumThreads: [status, ['void*', 'int']],
  SetSessionLogSeverityLevel: [status, ['void*', 'int']],
  AddSessionConfigEntry: [status, ['void*', 'str', 'str']],
  CreateCpuMemoryInfo: [status, ['int', 'int', 'void*']],
  CreateTensorWithDataAsOrtValue: [status, ['void*', 'void*', 'size_t', 'void*', 'size_t', 'int', 'void*']],
  CreateIoBinding: [status, ['void*', 'void*']],
  BindInput: [status, ['void*', 'str', 'void*']],
  BindOutput: [status, ['void*', 'str', 'void*']],
  RunWithBinding: [status, ['void*', 'void*', 'void*']],
  ReleaseStatus: ['void', ['void*']],
  ReleaseSessionOptions: ['void', ['void*']],
  ReleaseSession: ['void', ['void*']],
  ReleaseValue: ['void', ['void*']],
  ReleaseIoBinding: ['void', ['void*']],
} as const satisfies Readonly<Record<FunctionName, readonly [string, readonly string[]]>>;

type Argument = Pointer | number | string | BigUint64Array | BigInt64Array | Uint8Array | null;
type NativeFunction = Koffi.KoffiFunc<(...given: Argument[]) => Pointer | number | string | null>;

/** What a native object is, for the count of those that live. */
export type HandleKind = 'SessionOptions' | 'Session' | 'Value' | 'IoBinding';

/** The functions of ONNX Runtime's C interface, each status checked, with a count of the handles that live. */
export class OrtFunctions {
  readonly version: string;
  readonly handles: Record<HandleKind, number> = { SessionOptions: 0, Session: 0, Value: 0, IoBinding: 0 };
  readonly #koffi: KoffiModule;
  // koffi unloads a library whose handle is collected, while the functions found in it still point there.
  readonly library: Koffi.LibraryHandle;
  readonly #functions: Readonly<Record<FunctionName, NativeFunction>>;
  // One cell for every pointer that a synchronous call hands out.
  readonly #cell = new BigUint64Array(1);

  /** @throws OnnxError `onnx/library` where the library does not load, `onnx/version` where it is too old */
  constructor(koffi: KoffiModule, path: string) {
    this.#koffi = koffi;
    const { library, version, table } = openTable(koffi, path);
    this.library = library;
    this.version = version;
    const read = (name: FunctionName) => {
      const [result, parameters] = signatures[name];
      const pointer = koffi.decode(table, ortApiIndices[name] * koffi.sizeof('void*'), 'void*');
      return koffi.decode(pointer, koffi.proto(result, [...parameters]));
    };
    const entries = (Object.keys(signatures) as FunctionName[]).map((name) => [name, read(name)]);
    this.#functions = Object.fromEntries(entries);
  }

  /** Calls a function whose result is a status. @throws OnnxError `onnx/runtime` with the library's own message */
  call(name: FunctionName, ...given: Argument[]): void {
    this.#check(name, this.#functions[name](...given));
  }

  /** Calls a function that hands out a pointer by its last parameter. */
  make(name: FunctionName, ...given: Argument[]): Pointer {
    this.call(name, ...given, this.#cell);
    return this.#cell[0] as Pointer;
  }

  /** Calls a function on another thread. */
  async callLater(name: FunctionName, ...given: Argument[]): Promise<void> {
    const result = await new Promise<Pointer | number | string | null>((resolve, reject) => {
      this.#functions[name].async(...given, (error, value) => (error ? reject(error) : resolve(value)));
    });
    this.#check(name, result);
  }

  /** The same, with a pointer handed out by the last parameter. */
  async makeLater(name: FunctionName, ...given: Argument[]): Promise<Pointer> {
    const cell = new BigUint64Array(1);
    await this.callLater(name, ...given, cell);
    return cell[0] as Pointer;
  }

  /** Counts a handle that was made. */
  keep(kind: HandleKind, handle: Pointer): Pointer {
    this.handles[kind]++;
    return handle;
  }

  release(kind: HandleKind, handle: Pointer): void {
    this.handles[kind]--;
    this.#functions[`Release${kind}`](handle);
  }

  /** Where the values of an array are; the array stays there while somebody refers to it. */
  addressOf(array: TypedArray): Pointer {
    return this.#koffi.address(array);
  }

  #check(name: FunctionName, result: Pointer | number | string | null): void {
    if (result === null) return;
    const message = String(this.#functions.GetErrorMessage(result as Pointer));
    const code = Number(this.#functions.GetErrorCode(result as Pointer));
    this.#functions.ReleaseStatus(result as Pointer);
    throw new OnnxError('onnx/runtime', `ONNX Runtime refuses ${name} (code ${code}): ${message}`);
  }
}

interface Table {
  readonly library: Koffi.LibraryHandle;
  readonly version: string;
  readonly table: Pointer;
}

function openTable(koffi: KoffiModule, path: string): Table {
  try {
    const library = koffi.load(path);
    const base = library.func('OrtGetApiBase', 'void*', [])() as Pointer;
    const entry = (index: number) => koffi.decode(base, index * koffi.sizeof('void*'), 'void*');
    const version = koffi.call(entry(1), koffi.proto('str', [])) as string;
    const table = koffi.call(entry(0), koffi.proto('void*', ['uint32']), ortApiVersion) as Pointer | null;
    if (table !== null) return { library, version, table };
    throw new OnnxError(
      'onnx/version',
      `the ONNX Runtime at ${path} is ${version}, without version ${ortApiVersion} of the C interface; install onnxruntime-node 1.${ortApiVersion}.0 or later.`,
    );
  } catch (error) {
    if (error instanceof OnnxError) throw error;
    throw new OnnxError(
      'onnx/library',
      `the ONNX Runtime library at ${path} does not load: ${(error as Error).message}; install onnxruntime-node for this platform.`,
      { cause: error },
    );
  }
}
