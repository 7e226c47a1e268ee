import { isPeftError } from '@peft/core';
import { describe, expect, it } from 'vitest';
import { checkConfig } from './checkConfig.ts';
import type { ConfigField } from './configField.ts';
import { pythonMethodOf } from './pythonMethodOf.ts';

function said(config: Readonly<Record<string, unknown>>, peftType = 'LORA'): string {
  try {
    checkConfig('FOLDER', config, pythonMethodOf(peftType));
  } catch (error) {
    if (isPeftError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}

it('refuses every wrong value at once, with its place', () => {
  const config = {
    r: '8',
    lora_alpha: JSON.parse('1e999'),
    lora_dropout: 1,
    target_modules: 3,
    exclude_modules: ['head', ''],
    rank_pattern: { query: 4.5, 'key\n': null, value: 4 },
    alpha_pattern: [8],
    bias: 'some',
    modules_to_save: 'head',
    task_type: 'CHAT',
    layers_to_transform: [0, -1],
    layers_pattern: {},
    use_rslora: 'yes',
    init_lora_weights: 'magic',
    fan_in_fan_out: 0,
    revision: 1,
    loftq_config: 'none',
    trainable_token_indices: { embed: [1, '2'] },
    qalora_group_size: 0,
    peft_type: 'lora',
  };
  expect(said(config)).toMatchInlineSnapshot(`
    "checkpoint/adapter-config: FOLDER: adapter_config.json cannot be used as it is; correct it, or save the adapter again:
      alpha_pattern is a list of 1, and an object of numbers or null is expected
      bias is "some", and one of "none", "all", "lora_only" is expected
      exclude_modules[1] is "", and a name is expected
      fan_in_fan_out is 0, and true or false or null is expected
      init_lora_weights is "magic", and true, false, null or the name of one of Python's initialisations is expected
      layers_pattern is an object of 0, and a text or a list of names or null is expected
      layers_to_transform[1] is -1, and a whole number of at least 0 is expected
      loftq_config is "none", and an object or null is expected
      lora_alpha is Infinity, and a number above 0 is expected
      lora_dropout is 1, and a number of at least 0 and below 1 is expected
      modules_to_save is "head", and a list of names or null is expected
      peft_type is "lora", and one of "LORA" is expected
      qalora_group_size is 0, and a whole number of at least 1 or null is expected
      r is "8", and a whole number of at least 1 is expected
      rank_pattern["query"] is 4.5, and a whole number of at least 1 is expected
      rank_pattern["key\\n"] is null, and a whole number of at least 1 is expected
      revision is 1, and a text or null is expected
      target_modules is 3, and a text or a list of names or null is expected
      task_type is "CHAT", and one of "SEQ_CLS", "SEQ_2_SEQ_LM", "CAUSAL_LM", "TOKEN_CLS", "QUESTION_ANS", "FEATURE_EXTRACTION" or null is expected
      trainable_token_indices["embed"][1] is "2", and a whole number of at least 0 is expected
      use_rslora is "yes", and true or false or null is expected"
  `);
});

it('refuses wrong values of AdaLoRA at once', () => {
  const config = {
    init_r: 0,
    target_r: -1,
    tinit: 1.5,
    tfinal: '2',
    deltaT: 0,
    beta1: 1,
    beta2: 0,
    orth_reg_weight: -1,
    total_step: 0,
    lora_alpha: 0,
    rank_pattern: { 'head.lora_E': [true, 1], 'body.lora_E': 2 },
  };
  expect(said(config, 'ADALORA')).toMatchInlineSnapshot(`
    "checkpoint/adapter-config: FOLDER: adapter_config.json cannot be used as it is; correct it, or save the adapter again:
      lora_alpha is 0, and a number above 0 is expected
      rank_pattern["head.lora_E"][1] is 1, and true or false is expected
      rank_pattern["body.lora_E"] is 2, and a list of true and false is expected
      beta1 is 1, and a number above 0 and below 1 is expected
      beta2 is 0, and a number above 0 and below 1 is expected
      deltaT is 0, and a whole number of at least 1 is expected
      init_r is 0, and a whole number of at least 1 is expected
      orth_reg_weight is -1, and a number of at least 0 is expected
      target_r is -1, and a whole number of at least 0 is expected
      tfinal is "2", and a whole number of at least 0 is expected
      tinit is 1.5, and a whole number of at least 0 is expected
      total_step is 0, and a whole number of at least 1 or null is expected"
  `);
});

it('refuses settings that contradict each other', () => {
  const expression = { target_modules: '.*query', layers_to_transform: 1, layers_pattern: 'layer' };
  expect(said(expression)).toMatchInlineSnapshot(`
    "checkpoint/adapter-config: FOLDER: adapter_config.json cannot be used as it is; correct it, or save the adapter again:
      layers_to_transform narrows a list, and target_modules is an expression: put the layers into it
      layers_pattern narrows a list, and target_modules is an expression: put the container into it"
  `);
  expect(said({ target_modules: ['query'], layers_pattern: 'layer' })).toMatchInlineSnapshot(`
    "checkpoint/adapter-config: FOLDER: adapter_config.json cannot be used as it is; correct it, or save the adapter again:
      layers_pattern is set without layers_to_transform: set both or none"
  `);
  const spans = { init_r: 3, tinit: 6, tfinal: 4, total_step: 10, rank_pattern: { 'head.lora_E': [true] } };
  expect(said(spans, 'ADALORA')).toMatchInlineSnapshot(`
    "checkpoint/adapter-config: FOLDER: adapter_config.json cannot be used as it is; correct it, or save the adapter again:
      tinit 6 and tfinal 4 leave none of the 10 steps of total_step for the budget to fall: lower them or raise it
      rank_pattern["head.lora_E"] has 1 entries, and 3 are expected, one for each of init_r"
  `);
});

it('accepts what Python loads and this library computes alike', () => {
  for (const config of [
    { r: 1, lora_alpha: 8.5, lora_dropout: 0, rank_pattern: null, alpha_pattern: null },
    { use_rslora: null, use_dora: null, lora_bias: null, use_qalora: null, fan_in_fan_out: null, inference_mode: null },
    { target_modules: ['query'], layers_to_transform: 0, layers_pattern: 'layer' },
    { target_modules: 'all-linear', exclude_modules: '', layers_pattern: null, layers_to_transform: null },
    { target_modules: [], modules_to_save: [], layers_pattern: [], layers_to_transform: [], target_parameters: [] },
    { init_lora_weights: null },
    { init_lora_weights: 'GAUSSIAN' },
    { init_lora_weights: 'mica', alora_invocation_tokens: [], layer_replication: [] },
    { megatron_core: null, loftq_config: null, eva_config: {}, peft_version: null, runtime_config: 3, unknown: [] },
  ]) {
    expect(said(config), JSON.stringify(config)).toBe('accepted');
  }
});

it('refuses by name what it cannot follow, all at once, with the reason and the way out', () => {
  const config = {
    alora_invocation_tokens: [1],
    arrow_config: {},
    init_lora_weights: 'pissa_niter_16',
    kasa_config: {},
    layer_replication: [[0, 2]],
    lora_bias: true,
    monteclora_config: {},
    target_parameters: ['experts.gate'],
    use_bdlora: {},
    use_qalora: true,
    velora_config: {},
  };
  expect(said(config)).toMatchInlineSnapshot(`
    "checkpoint/adapter-config: FOLDER: adapter_config.json cannot be used as it is; correct it, or save the adapter again:
      alora_invocation_tokens is a list of 1: the adapter acts only after these tokens; run it in Python
      arrow_config is an object of 0: it routes between several adapters; load each of these adapters by itself
      init_lora_weights is "pissa_niter_16": it changes the base weights, which this file does not hold; save the adapter again in Python with path_initial_model_for_weight_conversion, which makes it plain LoRA
      kasa_config is an object of 0: it changes the base weights and adds a diagonal; merge it in Python and use the merged model
      layer_replication is a list of 1: the base has other layers than this model; load a base that has these layers
      lora_bias is true: the up-projection has a bias; merge it in Python and use the merged model
      monteclora_config is an object of 0: the adapter draws its weights at random; run it in Python
      target_parameters is a list of 1: it adapts bare parameters, such as those of experts; merge it in Python and use the merged model
      use_bdlora is an object of 0: the factors are block-diagonal; merge it in Python and use the merged model
      use_qalora is true: the input is pooled for a quantised base; merge it in Python and use the merged model
      velora_config is an object of 0: it compresses what training remembers of the input; save the adapter without it"
  `);
  const { fields } = pythonMethodOf('LORA');
  const refused = Object.entries<ConfigField>(fields).filter(([, { fate }]) => fate === 'refused');
  expect(refused.map(([key]) => key).filter((key) => !Object.hasOwn(config, key))).toEqual([]);
  expect(said({ use_dora: true }, 'ADALORA')).toMatchInlineSnapshot(`
    "checkpoint/adapter-config: FOLDER: adapter_config.json cannot be used as it is; correct it, or save the adapter again:
      use_dora is true: Python's AdaLoRA has no magnitudes and refuses it too; set it to false"
  `);
});

describe('initialisations that changed the base', () => {
  it.each(['pissa', 'pissa_niter_4', 'olora', 'corda', 'loftq', 'lora_ga'])('%s is refused', (init) => {
    expect(said({ init_lora_weights: init })).toContain(`init_lora_weights is "${init}": it changes the base weights`);
  });
});

it('keeps its message short whatever the file holds', () => {
  const rank_pattern = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`${i}`.repeat(500), '8']));
  const message = said({ rank_pattern });
  expect(message).toContain('and 1950 more');
  expect(message.length).toBeLessThan(15_000);
});
