import { editDistance, PeftError } from '@peft/core';
import { isRecord } from '../parseJson.ts';
import { problemList, quoted } from '../problemList.ts';
import type { SafetensorsFile } from '../safetensors/openSafetensors.ts';
import { namePrefix } from './parameterName.ts';

/** Names of wrappers that torch puts around modules and that change nothing: compiled, sharded, data-parallel. */
const wrappers = /^module\.(?=base_model\.)|(?<!\w)(?:_orig_mod|_fsdp_wrapped_module)\\?\./g;

/** The name, or the expression for names, of the same module without torch's wrappers. */
function unwrapped(name: string): string {
  return name.replace(wrappers, '');
}

/** An adapter_config.json whose names of modules have no wrappers either. */
export function plainConfig(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const plain = Object.entries(config).map(([key, value]) => [key, naming.has(key) ? withoutWrappers(value) : value]);
  return Object.fromEntries(plain);
}

const naming: ReadonlySet<string> = new Set([
  'target_modules',
  'exclude_modules',
  'modules_to_save',
  'rank_pattern',
  'alpha_pattern',
]);

function withoutWrappers(value: unknown): unknown {
  if (typeof value === 'string') return unwrapped(value);
  if (Array.isArray(value)) return value.map(withoutWrappers);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [unwrapped(key), item]));
}

/**
 * An adapter file with the names that save_pretrained writes: torch's wrappers are left out. Throws
 * `checkpoint/adapter-tensors` where two tensors would have one name, where names hold an adapter's, and where the
 * prefix of Python's wrapper is missing from all of them.
 */
export function plainNames(file: SafetensorsFile): SafetensorsFile {
  const keys = [...file.tensors.keys()];
  const tensors = new Map([...file.tensors].map(([key, tensor]) => [unwrapped(key), tensor]));
  if (tensors.size < keys.length) {
    const counts = new Map<string, number>();
    for (const key of keys) counts.set(unwrapped(key), (counts.get(unwrapped(key)) ?? 0) + 1);
    const twice = keys.filter((key) => (counts.get(unwrapped(key)) ?? 0) > 1);
    throw wrong(
      file,
      `without the names of torch's wrappers these are there twice; save the adapter again:${problemList(twice.map(quoted))}`,
    );
  }
  const named = keys.map((key) => ({ key, adapter: adapterIn(key) })).filter(({ adapter }) => adapter !== undefined);
  const first = named[0];
  if (first) {
    const adapters = [...new Set(named.map(({ adapter }) => quoted(adapter ?? '')))].slice(0, 3).join(', ');
    throw wrong(
      file,
      `${named.length} of ${keys.length} tensors have the name of an adapter in theirs (${adapters}), such as ${quoted(first.key)}: a raw state_dict was saved; save the adapter with save_pretrained(folder), or take the name out.`,
    );
  }
  if (keys.length > 0 && !keys.some((key) => unwrapped(key).startsWith(namePrefix)) && keys.some(isFactor)) {
    throw wrong(
      file,
      `no tensor's name begins with "${namePrefix}", as ${quoted(keys.find(isFactor) ?? '')} should: they are named as in the model inside; save the adapter with save_pretrained(folder) of the PeftModel, or put it before every name.`,
    );
  }
  return { ...file, tensors };
}

function isFactor(key: string): boolean {
  return /(?:^|\.)lora_/.test(key);
}

// In memory an adapter's name stands after the name of the part: lora_A.default.weight, lora_E.default.
function adapterIn(key: string): string | undefined {
  const held = /\.lora_[AB]\.([^.]+)\.(?:weight|bias)$/.exec(key);
  const bare = /\.lora_(?:[ABE]|embedding_[AB]|magnitude_vector)\.(?!(?:weight|bias)$)([^.]+)(?:\.weight)?$/.exec(key);
  // A misspelt "weight" is left to the list of tensors that do not fit.
  return held?.[1] ?? (bare?.[1] && editDistance(bare[1], 'weight') > 2 ? bare[1] : undefined);
}

function wrong({ name }: SafetensorsFile, problem: string): PeftError {
  return new PeftError('checkpoint/adapter-tensors', `${name}: ${problem}`);
}
