/** Initialisations of Python PEFT that `lora` has too. */
const own: readonly string[] = ['gaussian', 'orthogonal'];

/** Those that differ in the values alone, which the file holds. */
const valuesOnly: readonly string[] = ['eva', 'mica'];

/** Those that take the first change out of the base weights. */
const changeBase: readonly string[] = ['corda', 'loftq', 'lora_ga', 'olora', 'pissa'];

/** Whether a value may stand as `init_lora_weights`; Python compares only `gaussian` and `orthogonal` in any case. */
export function isInit(value: unknown): boolean {
  if (value === null || typeof value === 'boolean') return true;
  return typeof value === 'string' && (own.includes(value.toLowerCase()) || isValuesOnly(value) || changesBase(value));
}

/** Why an initialisation cannot be followed, and what to do. */
export function initProblem(value: unknown): string | undefined {
  if (!changesBase(value)) return undefined;
  return 'it changes the base weights, which this file does not hold; save the adapter again in Python with path_initial_model_for_weight_conversion, which makes it plain LoRA';
}

/** True for the name of an initialisation that `lora` knows only by the values it left. */
export function isValuesOnly(value: unknown): boolean {
  return valuesOnly.includes(value as string);
}

function changesBase(value: unknown): boolean {
  return typeof value === 'string' && (changeBase.includes(value) || /^pissa_niter_\d+$/.test(value));
}
