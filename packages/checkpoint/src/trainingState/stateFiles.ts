import {
  type HostArray,
  kindOf,
  PeftError,
  type TrainingState,
  trainingStateProblems,
  trainingStateVersion,
} from '@peft/core';
import type { FileContent } from '../atomic/stageFiles.ts';
import type { LazyTensor } from '../lazyTensor.ts';
import { type Folder, requireJsonFile } from '../openFolder.ts';
import { isRecord } from '../parseJson.ts';
import { problemList, quoted } from '../problemList.ts';
import { openSafetensors, type SafetensorsFile } from '../safetensors/openSafetensors.ts';
import { safetensorsChunks } from '../safetensors/writeSafetensors.ts';
import { arrayChecksum, textChecksum } from './checksums.ts';
import { attachTensors, detachTensors } from './detachTensors.ts';

const format = 'peft training state';
const stateFile = 'state.json';
const tensorsFile = 'tensors.safetensors';

type Checksums = Readonly<Record<string, unknown>>;

/**
 * The files of a save: what JSON can hold in one, every array, finished links and best state among them, in the other.
 * The first also holds a CRC-32 of each array and of itself.
 */
export function stateFiles(state: TrainingState): Readonly<Record<string, FileContent>> {
  const { json, tensors } = detachTensors(state);
  const checksums: Record<string, string> = {};
  // Made while the arrays are written, one at a time, so that a large state does not hold up the process.
  const counted = [...tensors].map(([name, array]) => [name, checksummed(name, array, checksums)] as const);
  async function* document() {
    for (const [name, array] of tensors) checksums[name] ??= arrayChecksum(array);
    const { version } = state;
    const checksum = textChecksum(JSON.stringify([version, checksums, json]));
    yield new TextEncoder().encode(JSON.stringify({ format, version, checksum, checksums, state: json }));
  }
  return {
    [tensorsFile]: safetensorsChunks(new Map(counted), { format, step: String(state.step) }),
    [stateFile]: document(),
  };
}

/**
 * The state in a save's folder. Throws `checkpoint/state-version` for a newer format, `checkpoint/training-state` for
 * files that are no training state, do not belong together or are not what was saved, and the codes of reading files.
 */
export async function readStateFiles(folder: Folder): Promise<TrainingState> {
  const { json, checksums } = await readDocument(folder);
  const source = await folder.open(tensorsFile);
  if (source === undefined) {
    throw new PeftError(
      'checkpoint/missing-file',
      `${folder.name}: there is no ${tensorsFile}; a part of the save is lost.`,
    );
  }
  const file = await openSafetensors(source);
  const state = await restore(folder, { json, file, checksums });
  const problems = trainingStateProblems(state);
  if (problems.length === 0) return state as TrainingState;
  throw new PeftError(
    'checkpoint/training-state',
    `${folder.name}: ${stateFile} does not hold a whole training state; it was changed after it was saved:${problemList(problems)}`,
  );
}

/** What a save's JSON says of its state, without its arrays. Throws as `readStateFiles` does. */
export async function readSavedState(folder: Folder): Promise<Readonly<Record<string, unknown>>> {
  const { json } = await readDocument(folder);
  return isRecord(json) ? json : {};
}

async function readDocument(folder: Folder): Promise<{ json: unknown; checksums: Checksums | undefined }> {
  const document = await requireJsonFile(
    folder,
    stateFile,
    'it is no save of a training run, or a part of one is lost',
  );
  const checksums = checkDocument(folder, document);
  return { json: document.state, checksums };
}

function checksummed(name: string, array: HostArray, into: Record<string, string>): LazyTensor {
  const { dtype, shape } = array;
  return {
    dtype,
    shape,
    read: async () => {
      into[name] = arrayChecksum(array);
      return array;
    },
  };
}

/** The checksums of the arrays; undefined in saves from before there were any. */
function checkDocument({ name }: Folder, document: Readonly<Record<string, unknown>>): Checksums | undefined {
  const { version } = document;
  if (document.format !== format || typeof version !== 'number') {
    const found =
      document.format === format
        ? `its version is ${kindOf(version)}`
        : `its format is ${typeof document.format === 'string' ? quoted(document.format) : kindOf(document.format)}`;
    throw new PeftError(
      'checkpoint/training-state',
      `${name}: ${stateFile} is not the state of a training run (${found}); pass the folder that trainingDirectory wrote to.`,
    );
  }
  if (version > trainingStateVersion) {
    throw new PeftError(
      'checkpoint/state-version',
      `${name}: the save has format ${version}, newer than ${trainingStateVersion}, the newest this version reads; upgrade @peft/checkpoint and @peft/core.`,
    );
  }
  const { checksum, checksums, state } = document;
  if (checksum === undefined && checksums === undefined) return undefined;
  const found = checksumOf([version, checksums, state]);
  if (isRecord(checksums) && checksum === found) return checksums;
  throw new PeftError(
    'checkpoint/training-state',
    `${name}: ${stateFile} is not what was saved: its checksum is ${found}, and ${typeof checksum === 'string' ? quoted(checksum) : kindOf(checksum)} was saved with it; the disk or a copy damaged it, or it was edited.`,
  );
}

function checksumOf(parts: readonly unknown[]): string {
  try {
    return textChecksum(JSON.stringify(parts));
  } catch (error) {
    // JSON.parse reads what is nested too deep for JSON.stringify; no save is.
    if (error instanceof RangeError) return 'none';
    throw error;
  }
}

async function restore(
  { name }: Folder,
  {
    json,
    file,
    checksums,
  }: { readonly json: unknown; readonly file: SafetensorsFile; readonly checksums: Checksums | undefined },
): Promise<unknown> {
  const arrays = new Map<string, HostArray>();
  // One after another: each read opens the file, and a process may not have as many open as a state has tensors.
  for (const [key, tensor] of file.tensors) arrays.set(key, await tensor.read());
  const missing: string[] = [];
  const used = new Set<string>();
  const state = attachTensors(json, (key) => {
    // A few bytes of JSON each would upload a large tensor again and again.
    if (used.has(key)) missing.push(`${quoted(key)} is used twice`);
    used.add(key);
    const array = arrays.get(key);
    if (array === undefined) missing.push(`${quoted(key)} is missing`);
    return array ?? { dtype: 'float32', shape: [0], data: new Float32Array(0) };
  });
  const unused = [...arrays.keys()].filter((key) => !used.has(key)).map((key) => `${quoted(key)} belongs to nothing`);
  const step = isRecord(state) ? sayStep(state.step) : undefined;
  const { metadata } = file;
  const steps = [
    ...(metadata.format === format ? [] : [`the tensors are of a file of format ${quoted(String(metadata.format))}`]),
    ...(metadata.step === step
      ? []
      : [`the tensors are of step ${sayStep(metadata.step)}, the state of ${sayStep(step)}`]),
  ];
  const problems = [...steps, ...missing, ...unused];
  if (problems.length > 0) {
    throw new PeftError(
      'checkpoint/training-state',
      `${name}: ${stateFile} and ${tensorsFile} are not of one save; copy both from the same folder:${problemList(problems)}`,
    );
  }
  if (checksums) requireSaved(`${name}: ${tensorsFile}`, arrays, checksums);
  return state;
}

function sayStep(step: unknown): string {
  return typeof step === 'object' ? kindOf(step) : String(step).slice(0, 40);
}

function requireSaved(what: string, arrays: ReadonlyMap<string, HostArray>, checksums: Checksums): void {
  const changed = [...arrays].flatMap(([key, array]) => {
    const found = arrayChecksum(array);
    const saved = Object.hasOwn(checksums, key) ? checksums[key] : undefined;
    return saved === found
      ? []
      : [
          `${quoted(key)} has checksum ${found}, and ${typeof saved === 'string' ? saved.slice(0, 40) : saved === undefined ? 'none' : kindOf(saved)} was saved`,
        ];
  });
  if (changed.length === 0) return;
  throw new PeftError(
    'checkpoint/training-state',
    `${what}: ${changed.length} of ${arrays.size} tensors are not what was saved; the disk or a copy damaged the file:${problemList(changed)}`,
  );
}
