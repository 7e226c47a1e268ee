/** How an array [in, out] or [length] of the library stands in a file: as it is, transposed, or as one column. */
export type Axes = 'same' | 'swapped' | 'column';

/** A tensor's name in a file, after the path of its module, and its layout there. */
export type PythonTensor = { readonly name: string; readonly axes: Axes };

/** What Python PEFT calls the tensors of one method, and the whole of its configuration. */
export type PythonMethod = {
  /** By layer kind, then by part. */
  readonly tensors: Readonly<Record<string, Readonly<Record<string, PythonTensor>>>>;
  /** Every key of adapter_config.json, with Python's default. */
  readonly defaults: Readonly<Record<string, unknown>>;
  /** Keys whose numbers Python writes as floats: 0.0, not 0. */
  readonly floats: readonly string[];
  /** What stands after a module's path in the keys of rank_pattern. */
  readonly rankKeyEnd: string;
};

/** The version of Python PEFT whose files these are. */
export const pythonPeftVersion = '0.21.2';

const loraDefaults = {
  alora_invocation_tokens: null,
  alpha_pattern: {},
  arrow_config: null,
  auto_mapping: null,
  base_model_name_or_path: null,
  bias: 'none',
  corda_config: null,
  ensure_weight_tying: false,
  eva_config: null,
  exclude_modules: null,
  fan_in_fan_out: false,
  inference_mode: true,
  init_lora_weights: true,
  kasa_config: null,
  layer_replication: null,
  layers_pattern: null,
  layers_to_transform: null,
  loftq_config: {},
  lora_alpha: 8,
  lora_bias: false,
  lora_dropout: 0,
  lora_ga_config: null,
  megatron_config: null,
  megatron_core: 'megatron.core',
  modules_to_save: null,
  monteclora_config: null,
  peft_type: 'LORA',
  peft_version: pythonPeftVersion,
  qalora_group_size: 16,
  r: 8,
  rank_pattern: {},
  revision: null,
  target_modules: null,
  target_parameters: null,
  task_type: null,
  trainable_token_indices: null,
  use_bdlora: null,
  use_dora: false,
  use_qalora: false,
  use_rslora: false,
  velora_config: null,
} as const;

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
      defaults: loraDefaults,
      floats: ['lora_dropout'],
      rankKeyEnd: '',
    },
  ],
  [
    'ADALORA',
    {
      tensors: { dense: adaloraLinear, 'transposed-dense': adaloraLinear },
      defaults: {
        ...loraDefaults,
        beta1: 0.85,
        beta2: 0.85,
        deltaT: 1,
        init_r: 12,
        orth_reg_weight: 0.5,
        peft_type: 'ADALORA',
        rank_pattern: null,
        target_r: 8,
        tfinal: 0,
        tinit: 0,
        total_step: null,
      },
      floats: ['lora_dropout', 'beta1', 'beta2', 'orth_reg_weight'],
      rankKeyEnd: '.lora_E',
    },
  ],
]);
