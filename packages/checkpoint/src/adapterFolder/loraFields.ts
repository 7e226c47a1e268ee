import { type ConfigField, refused } from './configField.ts';
import {
  either,
  flag,
  list,
  listOf,
  name,
  number,
  oneOf,
  orNull,
  record,
  recordOf,
  text,
  whole,
} from './fieldValue.ts';
import { initProblem, isInit } from './pythonInits.ts';
import { taskTypes } from './taskType.ts';

const names = listOf(name, 'names');
const layers = whole(0);
const inPython = 'merge it in Python and use the merged model';
const atStart = 'it says how fresh values were drawn, and the values are in the file';

/** The version of Python PEFT whose files these are. */
export const pythonPeftVersion = '0.21.2';

/** Every field of Python PEFT's LoraConfig that stands in a file. */
export const loraFields = {
  alora_invocation_tokens: refused(
    { default: null, value: orNull(listOf(whole(0), 'token ids')) },
    { because: 'the adapter acts only after these tokens', instead: 'run it in Python' },
  ),
  alpha_pattern: {
    default: {},
    value: orNull(recordOf(number({ above: 0 }), 'numbers')),
    fate: 'option',
    as: '`alphaPattern` of `lora`',
  },
  arrow_config: refused(
    { default: null, value: orNull(record) },
    { because: 'it routes between several adapters', instead: 'load each of these adapters by itself' },
  ),
  auto_mapping: {
    default: null,
    value: orNull(record),
    fate: 'kept',
    because: "the base's class in Python; `autoMapping` of `saveAdapter` replaces it",
    under: 'any',
  },
  base_model_name_or_path: {
    default: null,
    value: orNull(text),
    fate: 'kept',
    because: 'the name of the base; `base` of `saveAdapter` replaces it',
    under: 'any',
  },
  bias: {
    default: 'none',
    value: oneOf('none', 'all', 'lora_only'),
    fate: 'option',
    as: '`bias` of `fineTune`; `lora_only` is `adapted`',
  },
  corda_config: { default: null, value: orNull(record), fate: 'kept', because: atStart, under: 'method' },
  ensure_weight_tying: {
    default: false,
    value: orNull(flag),
    fate: 'kept',
    because:
      'refused where an embedding or a tied head is adapted or trained whole: ties are not adapted together here',
    under: 'method',
  },
  eva_config: { default: null, value: orNull(record), fate: 'kept', because: atStart, under: 'method' },
  exclude_modules: {
    default: null,
    value: orNull(either(text, names)),
    fate: 'option',
    as: '`exclude` of `fineTune`; as it stood while it selects the same targets',
  },
  fan_in_fan_out: {
    default: false,
    value: orNull(flag),
    fate: 'kept',
    because: 'Python decides it by layer again when it loads, and so does this library',
    under: 'method',
  },
  inference_mode: { default: true, value: orNull(flag), fate: 'computed', as: 'true, as Python saves it' },
  init_lora_weights: {
    default: true,
    value: { expected: "true, false, null or the name of one of Python's initialisations", is: isInit },
    refuses: initProblem,
    fate: 'option',
    as: '`init` of `lora`; `eva` and `mica` are `true`, since their values are in the file, and are written again',
  },
  kasa_config: refused(
    { default: null, value: orNull(record) },
    { because: 'it changes the base weights and adds a diagonal', instead: inPython },
  ),
  layer_replication: refused(
    { default: null, value: orNull(list) },
    { because: 'the base has other layers than this model', instead: 'load a base that has these layers' },
  ),
  layers_pattern: {
    default: null,
    value: orNull(either(text, names)),
    fate: 'option',
    as: '`layersPattern` of `fineTune`; as it stood while it selects the same targets',
  },
  layers_to_transform: {
    default: null,
    value: orNull(either(layers, listOf(layers, 'whole numbers of at least 0'))),
    fate: 'option',
    as: '`layers` of `fineTune`; as it stood while it selects the same targets',
  },
  loftq_config: { default: {}, value: orNull(record), fate: 'kept', because: atStart, under: 'method' },
  lora_alpha: { default: 8, value: number({ above: 0 }), fate: 'option', as: '`alpha` of `lora`' },
  lora_bias: refused(
    { default: false, value: orNull(flag) },
    { because: 'the up-projection has a bias', instead: inPython },
  ),
  lora_dropout: { default: 0, value: number({ from: 0, below: 1 }), fate: 'option', as: '`dropout` of `lora`' },
  lora_ga_config: { default: null, value: orNull(record), fate: 'kept', because: atStart, under: 'method' },
  megatron_config: {
    default: null,
    value: orNull(record),
    fate: 'kept',
    because: 'how Python spreads layers over devices',
    under: 'method',
  },
  megatron_core: {
    default: 'megatron.core',
    value: orNull(text),
    fate: 'kept',
    because: 'how Python spreads layers over devices',
    under: 'method',
  },
  modules_to_save: {
    default: null,
    value: orNull(names),
    fate: 'option',
    as: '`modulesToSave` of `fineTune`; as it stood while it names the same parameters',
  },
  monteclora_config: refused(
    { default: null, value: orNull(record) },
    { because: 'the adapter draws its weights at random', instead: 'run it in Python' },
  ),
  peft_type: { default: 'LORA', value: oneOf('LORA'), fate: 'computed', as: 'the method' },
  peft_version: {
    default: pythonPeftVersion,
    value: orNull(text),
    fate: 'computed',
    as: `${pythonPeftVersion}, whose files these are`,
  },
  qalora_group_size: {
    default: 16,
    value: orNull(whole(1)),
    fate: 'kept',
    because: 'of no effect without use_qalora',
    under: 'method',
  },
  r: { default: 8, value: whole(1), fate: 'option', as: '`rank` of `lora`' },
  rank_pattern: {
    default: {},
    value: orNull(recordOf(whole(1), 'whole numbers')),
    fate: 'option',
    as: '`rankPattern` of `lora`',
  },
  revision: {
    default: null,
    value: orNull(text),
    fate: 'kept',
    because: "the base's revision; `revision` of `saveAdapter` replaces it",
    under: 'any',
  },
  target_modules: {
    default: null,
    value: orNull(either(text, names)),
    fate: 'option',
    as: '`targets` of `fineTune`; as it stood while it selects the same targets, else full names',
  },
  target_parameters: refused(
    { default: null, value: orNull(names) },
    { because: 'it adapts bare parameters, such as those of experts', instead: inPython },
  ),
  task_type: {
    default: null,
    value: orNull(oneOf(...taskTypes)),
    fate: 'kept',
    because: '`taskType` of `saveAdapter` replaces it; it may add modules to save, as in Python',
    under: 'any',
  },
  trainable_token_indices: {
    default: null,
    value: orNull(either(listOf(whole(0), 'token ids'), recordOf(listOf(whole(0), 'token ids'), 'lists of token ids'))),
    fate: 'option',
    as: '`trainableTokens` of `fineTune`',
  },
  use_bdlora: refused(
    { default: null, value: orNull(record) },
    { because: 'the factors are block-diagonal', instead: inPython },
  ),
  use_dora: { default: false, value: orNull(flag), fate: 'option', as: '`dora` of `lora`' },
  use_qalora: refused(
    { default: false, value: orNull(flag) },
    { because: 'the input is pooled for a quantised base', instead: inPython },
  ),
  use_rslora: { default: false, value: orNull(flag), fate: 'option', as: '`rsLora` of `lora`' },
  velora_config: refused(
    { default: null, value: orNull(record) },
    { because: 'it compresses what training remembers of the input', instead: 'save the adapter without it' },
  ),
} as const satisfies Readonly<Record<string, ConfigField>>;
