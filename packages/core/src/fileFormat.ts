import type { HostArray } from './hostArray.ts';
import type { AnyStrategy } from './strategy.ts';
import type { Target } from './target.ts';
import type { TrainedAdapter } from './trainedAdapter.ts';
import type { HostSnapshot } from './training/hostSnapshot.ts';

/** An adapter as a file holds it, in camelCase and in this library's layouts; names and layouts on disk are checkpoint's. */
export type AdapterFile = {
  /** Python PEFT's name of the method, such as `LORA`. */
  readonly peftType: string;
  /** Options, camelCase, as adapter_config.json has them in snake_case. */
  readonly config: Readonly<Record<string, unknown>>;
  /** By target path, then by the name of the part: `a` [in, r], `b` [r, out], `lambda` [r], `magnitude` [out]. */
  readonly tensors: Readonly<Record<string, Readonly<Record<string, HostArray>>>>;
};

/** Shapes by target path, then by the name of the part, in this library's layouts. */
export type TensorShapes = Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;

/** How a method's adapters are written to and read from Python PEFT's files. */
export interface FileFormat {
  readonly peftType: string;
  /** What the targets' tensors must be under this config; throws for settings that the method cannot follow. */
  shapes(config: AdapterFile['config'], targets: readonly Target[]): TensorShapes;
  encode(trained: TrainedAdapter): Promise<AdapterFile>;
  /** The strategy that continues or serves the adapter, and its data. */
  decode(
    file: AdapterFile,
    targets: readonly Target[],
  ): { readonly strategy: AnyStrategy; readonly params: HostSnapshot; readonly state: HostSnapshot };
}
