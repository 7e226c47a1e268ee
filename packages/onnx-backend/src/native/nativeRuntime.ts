import type * as Koffi from 'koffi';
import { availableThreads } from '../availableThreads.ts';
import { OnnxError } from '../onnxError.ts';
import type { Model, Runtime, Session } from '../runtime.ts';
import { libraryPath } from './libraryPath.ts';
import { NativeBinding } from './nativeBinding.ts';
import { type HandleKind, OrtFunctions, type Pointer } from './ortFunctions.ts';

export interface NativeOptions {
  /** Threads of a run; the CPUs this process is granted unless given. */
  readonly threads?: number;
  /** Writes a profile of every session to a file of this name and a suffix. */
  readonly profile?: string;
  /** Session entries of ONNX Runtime, by their key. */
  readonly config?: Readonly<Record<string, string>>;
  /** The shared library; that of the installed onnxruntime-node unless given. */
  readonly library?: string;
}

/** ONNX Runtime through its C interface: runs on another thread, results in place. */
export interface NativeRuntime extends Runtime {
  /** How many objects of the library live. */
  readonly handles: Readonly<Record<HandleKind, number>>;
}

interface Opened {
  readonly ort: OrtFunctions;
  readonly environment: Pointer;
  readonly memory: Pointer;
}

// One environment and one table a thread: the library itself holds but one environment a process.
const opened = new Map<string, Promise<Opened>>();

/** @throws OnnxError `onnx/library`, `onnx/version` where the library cannot be used */
export async function nativeRuntime(options: NativeOptions = {}): Promise<NativeRuntime> {
  const path = options.library ?? (await libraryPath());
  let library = opened.get(path);
  if (library === undefined) {
    library = openLibrary(path);
    opened.set(path, library);
    library.catch(() => opened.delete(path));
  }
  const { ort, environment, memory } = await library;
  const threads = options.threads ?? (await availableThreads());
  return {
    name: 'native',
    version: ort.version,
    threads,
    handles: ort.handles,
    open: (model) => openSession({ ort, environment, memory }, model, { ...options, threads }),
  };
}

async function openLibrary(path: string): Promise<Opened> {
  const koffi = await import('koffi').catch((cause) => {
    throw new OnnxError(
      'onnx/library',
      `koffi, which calls the ONNX Runtime library, does not load: ${cause.message}; install it with its optional packages.`,
      { cause },
    );
  });
  requireStack(koffi.default);
  const ort = new OrtFunctions(koffi.default, path);
  const [arena, usualMemory] = [1, 0];
  return {
    ort,
    environment: ort.make('CreateEnv', fatalOnly, 'peft'),
    memory: ort.make('CreateCpuMemoryInfo', arena, usualMemory),
  };
}

async function openSession(
  { ort, environment, memory }: Opened,
  model: Model,
  { threads, profile, config }: NativeOptions & { readonly threads: number },
): Promise<Session> {
  const options = ort.keep('SessionOptions', ort.make('CreateSessionOptions'));
  try {
    ort.call('SetIntraOpNumThreads', options, threads);
    ort.call('SetSessionLogSeverityLevel', options, fatalOnly);
    ort.call('SetSessionGraphOptimizationLevel', options, graphOptimization);
    // A plan of memory is made by the first run and held beside the memory of that run.
    ort.call('DisableMemPattern', options);
    for (const [key, value] of Object.entries({ ...sessionConfig, ...config })) {
      ort.call('AddSessionConfigEntry', options, key, value);
    }
    if (profile !== undefined) ort.call('EnableProfiling', options, profile);
    const { bytes } = model;
    const made = ort.makeLater('CreateSessionFromArray', environment, bytes, bytes.length, options);
    const session = ort.keep('Session', await made);
    return {
      bind: (feeds, results) => new NativeBinding({ ort, session, memory }, model, [feeds, results]),
      release: () => ort.release('Session', session),
    };
  } finally {
    ort.release('SessionOptions', options);
  }
}

// What the library would print reaches the caller as an error.
const fatalOnly = 4;

/** Products pack panels of 64 KiB and more on the stack, and koffi gives an asynchronous call 128 KiB unless told. */
const asyncStackBytes = 1 << 20;

function requireStack(koffi: (typeof Koffi)['default']): void {
  if ((koffi.config().async_stack_size ?? 0) >= asyncStackBytes) return;
  try {
    koffi.config({ async_stack_size: asyncStackBytes });
  } catch (cause) {
    throw new OnnxError(
      'onnx/stack',
      `koffi was used before with a stack too small for ONNX Runtime; before its first use call koffi.config({ async_stack_size: ${asyncStackBytes} }).`,
      { cause },
    );
  }
}

/** Disabled: the graph comes rewritten. */
const graphOptimization = 0;

/** Threads sleep between runs instead of waiting busily. */
const sessionConfig = { 'session.force_spinning_stop': '1' };
