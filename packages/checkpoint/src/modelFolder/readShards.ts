import { kindOf, PeftError } from '@peft/core';
import { isPlainFileName } from '../isPlainFileName.ts';
import type { StoredTensor } from '../lazyTensor.ts';
import type { Folder } from '../openFolder.ts';
import { isRecord } from '../parseJson.ts';
import { problemList, quoted } from '../problemList.ts';
import { openSafetensors, type SafetensorsFile } from '../safetensors/openSafetensors.ts';

const indexFile = 'model.safetensors.index.json';

/** The tensors of every shard that an index names. As in Python, a tensor the index forgot is still read. */
export async function readShards(
  folder: Folder,
  index: Readonly<Record<string, unknown>>,
): Promise<ReadonlyMap<string, StoredTensor>> {
  const shardOf = parseWeightMap(folder.name, index.weight_map);
  const shards = await openShards(folder, [...new Set(shardOf.values())].sort());
  const tensors = new Map<string, StoredTensor>();
  const problems: string[] = [];
  for (const [file, shard] of shards) {
    for (const [name, tensor] of shard.tensors) {
      const earlier = tensors.get(name);
      if (earlier !== undefined)
        problems.push(`${quoted(name)} is in ${quoted(earlier.file)} and again in ${quoted(file)}`);
      else tensors.set(name, tensor);
    }
  }
  for (const [name, file] of shardOf) {
    if (shards.get(file)?.tensors.has(name) === true) continue;
    const elsewhere = tensors.get(name)?.file;
    problems.push(
      `${quoted(name)} is not in ${quoted(file)}${elsewhere === undefined ? '' : ` but in ${quoted(elsewhere)}`}`,
    );
  }
  if (problems.length > 0) {
    throw new PeftError(
      'checkpoint/shards',
      `${folder.name}: ${indexFile} and the ${shards.size} shards disagree; fetch all of them again, from one revision of the model:${problemList(problems)}`,
    );
  }
  return tensors;
}

async function openShards(folder: Folder, files: readonly string[]): Promise<ReadonlyMap<string, SafetensorsFile>> {
  const shards = new Map<string, SafetensorsFile>();
  const missing: string[] = [];
  for (const file of files) {
    const source = await folder.open(file);
    if (source === undefined) missing.push(file);
    else shards.set(file, await openSafetensors(source));
  }
  if (missing.length > 0) {
    throw new PeftError(
      'checkpoint/missing-file',
      `${folder.name}: ${missing.length} of the ${files.length} shards that ${indexFile} names are missing; fetch them too:${problemList(missing.map(quoted))}`,
    );
  }
  return shards;
}

function parseWeightMap(folder: string, value: unknown): ReadonlyMap<string, string> {
  if (!isRecord(value)) {
    throw new PeftError(
      'checkpoint/index',
      `${folder}: weight_map in ${indexFile} is ${kindOf(value)}, and an object of shard names by tensor name is expected; fetch the index again.`,
    );
  }
  const shardOf = new Map<string, string>();
  const problems: string[] = [];
  for (const name of Object.keys(value)) {
    const file = value[name];
    if (typeof file !== 'string') problems.push(`${quoted(name)} maps to ${kindOf(file)}`);
    else if (!isPlainFileName(file))
      problems.push(`${quoted(name)} maps to ${quoted(file)}, which would leave the folder`);
    else shardOf.set(name, file);
  }
  if (problems.length > 0) {
    throw new PeftError(
      'checkpoint/index',
      `${folder}: weight_map in ${indexFile} must map each tensor to the plain name of a file beside it; fetch the index again:${problemList(problems)}`,
    );
  }
  return shardOf;
}
