import type * as Koffi from 'koffi';

/** Result and parameters of an exported function, as C declares them. */
export type Signature = readonly [result: ResultType, parameters: readonly ParameterType[]];

type ResultType = 'int' | 'size_t' | 'str';
type ParameterType = 'void*' | 'int' | 'uint' | 'uchar' | 'size_t' | 'int64' | 'uint64' | 'str' | 'str*';

/** What a pointer may be given as: an address, the start of an array, or NULL. */
export type Pointer = bigint | ArrayBufferView | null;

interface ArgumentOf {
  'void*': Pointer;
  int: number;
  uint: number;
  uchar: number;
  size_t: number;
  int64: number | bigint;
  uint64: number | bigint;
  str: string;
  'str*': readonly string[];
}

interface ResultOf {
  int: number;
  size_t: number;
  str: string | null;
}

type ArgumentsOf<Parameters extends readonly ParameterType[]> = {
  readonly [Place in keyof Parameters]: ArgumentOf[Parameters[Place]];
};

/** A function of a library; `later` runs it on another thread. */
export interface NativeFunction<Given extends readonly unknown[], Result> {
  (...given: Given): Result;
  later(...given: Given): Promise<Result>;
}

/** The functions of a library, typed by their signatures. */
export type Functions<Signatures extends Readonly<Record<string, Signature>>> = {
  readonly [Name in keyof Signatures]: NativeFunction<ArgumentsOf<Signatures[Name][1]>, ResultOf[Signatures[Name][0]]>;
};

/** Finds all functions in a loaded library; names those that it lacks. */
export function findFunctions<Signatures extends Readonly<Record<string, Signature>>>(
  library: Koffi.LibraryHandle,
  signatures: Signatures,
): { readonly functions: Functions<Signatures>; readonly missing: readonly string[] } {
  const missing: string[] = [];
  const entries = Object.entries(signatures).map(([name, [result, parameters]]) => {
    try {
      const found = library.func(name, result, [...parameters]);
      const later = (...given: readonly unknown[]) =>
        new Promise((resolve, reject) => {
          found.async(...given, (error: unknown, value: unknown) => (error ? reject(error) : resolve(value)));
        });
      return [name, Object.assign(found, { later })] as const;
    } catch {
      missing.push(name);
      return [name, undefined] as const;
    }
  });
  return { functions: Object.fromEntries(entries) as unknown as Functions<Signatures>, missing };
}
