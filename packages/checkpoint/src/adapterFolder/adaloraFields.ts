import { type ConfigField, refused } from './configField.ts';
import { flag, listOf, number, oneOf, orNull, recordOf, whole } from './fieldValue.ts';
import { loraFields } from './loraFields.ts';

/** Kept where Python's AdaLoRA takes a setting of LoRA and does not look at it. */
function unread<Row extends ConfigField>({ default: fallback, value }: Row) {
  return {
    default: fallback,
    value,
    fate: 'kept',
    because: "Python's AdaLoRA does not read it",
    under: 'method',
  } as const;
}

/** Every field of Python PEFT's AdaLoraConfig that stands in a file. */
export const adaloraFields = {
  ...loraFields,
  alora_invocation_tokens: unread(loraFields.alora_invocation_tokens),
  alpha_pattern: unread(loraFields.alpha_pattern),
  arrow_config: unread(loraFields.arrow_config),
  init_lora_weights: unread(loraFields.init_lora_weights),
  kasa_config: unread(loraFields.kasa_config),
  lora_bias: unread(loraFields.lora_bias),
  monteclora_config: unread(loraFields.monteclora_config),
  r: unread(loraFields.r),
  use_bdlora: unread(loraFields.use_bdlora),
  use_qalora: unread(loraFields.use_qalora),
  use_rslora: unread(loraFields.use_rslora),
  velora_config: unread(loraFields.velora_config),
  use_dora: refused(
    { default: false, value: orNull(flag) },
    { because: "Python's AdaLoRA has no magnitudes and refuses it too", instead: 'set it to false' },
  ),
  lora_alpha: { ...loraFields.lora_alpha, as: '`alpha` of `adalora`, times (init_r + 1e-5) / init_r' },
  lora_dropout: { ...loraFields.lora_dropout, as: '`dropout` of `adalora`' },
  peft_type: { ...loraFields.peft_type, default: 'ADALORA', value: oneOf('ADALORA') },
  beta1: { default: 0.85, value: number({ above: 0, below: 1 }), fate: 'option', as: '`beta1` of `adalora`' },
  beta2: { default: 0.85, value: number({ above: 0, below: 1 }), fate: 'option', as: '`beta2` of `adalora`' },
  deltaT: { default: 1, value: whole(1), fate: 'option', as: '`allocateEvery` of `adalora`' },
  init_r: { default: 12, value: whole(1), fate: 'option', as: '`initRank` of `adalora`' },
  orth_reg_weight: { default: 0.5, value: number({ from: 0 }), fate: 'option', as: '`orthogonality` of `adalora`' },
  rank_pattern: {
    default: null,
    value: orNull(recordOf(listOf(flag, 'true and false'), 'lists of true and false')),
    fate: 'computed',
    as: 'which triplets live',
  },
  target_r: {
    default: 8,
    value: whole(0),
    fate: 'option',
    as: '`targetRank` of `adalora`, at most `initRank`; as it stood while it means the same',
  },
  tfinal: { default: 0, value: whole(0), fate: 'option', as: '`finalSteps` of `adalora`' },
  tinit: { default: 0, value: whole(0), fate: 'option', as: '`warmupSteps` of `adalora`' },
  total_step: {
    default: null,
    value: orNull(whole(1)),
    fate: 'option',
    as: 'length of the life; Python loads no file without it, this library does',
  },
} as const satisfies Readonly<Record<string, ConfigField>>;
