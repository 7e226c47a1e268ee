import { adaloraFields } from './adaloraFields.ts';
import type { ConfigField } from './configField.ts';
import { loraFields } from './loraFields.ts';

/** How an array [in, out] or [length] of the library stands in a file: as it is, transposed, or as one column. */
export type Axes = 'same' | 'swapped' | 'column';

/** A tensor's name in a file, after the path of its module, and its layout there. */
export type PythonTensor = { readonly name: string; readonly axes: Axes };

/** What Python PEFT calls the tensors of one method, and the whole of its configuration. */
export type PythonMethod = {
  /** By layer kind, then by part. */
  readonly tensors: Readonly<Record<string, Readonly<Record<string, PythonTensor>>>>;
  /** Every key of adapter_config.json, what it may hold and what becomes of it. */
  readonly fields: Readonly<Record<string, ConfigField>>;
  /** Keys whose numbers Python writes as floats: 0.0, not 0. */
  readonly floats: readonly string[];
  /** What stands after a module's path in the keys of rank_pattern. */
  readonly rankKeyEnd: string;
};

const magnitude: PythonTensor = { name: 'lora_magnitude_vector', axes: 'same' };

const loraLinear = {
  a: { name: 'lora_A.weight', axes: 'swapped' },
  b: { name: 'lora_B.weight', axes: 'swapped' },
  magnitude,
} as const;

const adaloraLinear = {
  a: { name: 'lora_A', axes: 'swapped' },
  lambda: { name: 'lora_E', axes: 'column' },
  b: { name: 'lora_B', axes: 'swapped' },
} as const;

/**
 * Python PEFT's methods by `peft_type`. LoRA's linear factors are layers of their own, whose tensors are called
 * `weight`; everything else is a bare parameter.
 */
export const pythonMethods: ReadonlyMap<string, PythonMethod> = new Map<string, PythonMethod>([
  [
    'LORA',
    {
      tensors: {
        dense: loraLinear,
        'transposed-dense': loraLinear,
        embedding: {
          a: { name: 'lora_embedding_A', axes: 'swapped' },
          b: { name: 'lora_embedding_B', axes: 'swapped' },
          magnitude,
        },
      },
      fields: loraFields,
      floats: ['lora_dropout'],
      rankKeyEnd: '',
    },
  ],
  [
    'ADALORA',
    {
      tensors: { dense: adaloraLinear, 'transposed-dense': adaloraLinear },
      fields: adaloraFields,
      floats: ['lora_dropout', 'beta1', 'beta2', 'orth_reg_weight'],
      rankKeyEnd: '.lora_E',
    },
  ],
]);
