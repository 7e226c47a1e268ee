import { PeftError, type TrainingState, trainingStateVersion } from '@peft/core';
import type { FileContent } from '../atomic/stageFiles.ts';
import { type Folder, requireJsonFile } from '../openFolder.ts';
import { isRecord, kindOf } from '../parseJson.ts';
import { problemList, quoted } from '../problemList.ts';
import { openSafetensors, type SafetensorsFile } from '../safetensors/openSafetensors.ts';
import { safetensorsChunks } from '../safetensors/writeSafetensors.ts';
import { attachTensors, detachTensors } from './detachTensors.ts';

const format = 'peft training state';
const stateFile = 'state.json';
const tensorsFile = 'tensors.safetensors';

/** The files of a save: what JSON can hold in one, every array, finished links and best state among them, in the other. */
export function stateFiles(state: TrainingState): Readonly<Record<string, FileContent>> {
  const { json, tensors } = detachTensors(state);
  const text = JSON.stringify({ format, version: state.version, state: json });
  return {
    [tensorsFile]: safetensorsChunks(tensors, { format, step: String(state.step) }),
    [stateFile]: new TextEncoder().encode(text),
  };
}

/**
 * The state in a save's folder. Throws `checkpoint/state-version` for a newer format, `checkpoint/training-state` for
 * files that are no training state or do not belong together, and the codes of reading files.
 */
export async function readStateFiles(folder: Folder): Promise<TrainingState> {
  const document = await requireJsonFile(
    folder,
    stateFile,
    'it is no save of a training run, or a part of one is lost',
  );
  checkDocument(folder, document);
  const source = await folder.open(tensorsFile);
  if (source === undefined) {
    throw new PeftError(
      'checkpoint/missing-file',
      `${folder.name}: there is no ${tensorsFile}; a part of the save is lost.`,
    );
  }
  const file = await openSafetensors(source);
  const state = await restore(folder, document.state, file);
  const problems = stateProblems(state);
  if (problems.length === 0) return state as TrainingState;
  throw new PeftError(
    'checkpoint/training-state',
    `${folder.name}: ${stateFile} does not hold a whole training state; it was changed after it was saved:${problemList(problems)}`,
  );
}

function checkDocument({ name }: Folder, document: Readonly<Record<string, unknown>>): void {
  const { version } = document;
  if (document.format !== format || typeof version !== 'number') {
    throw new PeftError(
      'checkpoint/training-state',
      `${name}: ${stateFile} is not the state of a training run (its format is ${kindOf(document.format) === 'a string' ? quoted(document.format as string) : kindOf(document.format)}); pass the folder that trainingDirectory wrote to.`,
    );
  }
  if (version > trainingStateVersion) {
    throw new PeftError(
      'checkpoint/state-version',
      `${name}: the save has format ${version}, newer than ${trainingStateVersion}, the newest this version reads; upgrade @peft/checkpoint and @peft/core.`,
    );
  }
}

async function restore({ name }: Folder, json: unknown, file: SafetensorsFile): Promise<unknown> {
  const arrays = new Map(
    await Promise.all([...file.tensors].map(async ([key, tensor]) => [key, await tensor.read()] as const)),
  );
  const missing: string[] = [];
  const used = new Set<string>();
  const state = attachTensors(json, (key) => {
    used.add(key);
    const array = arrays.get(key);
    if (array === undefined) missing.push(`${quoted(key)} is missing`);
    return array ?? { dtype: 'float32', shape: [0], data: new Float32Array(0) };
  });
  const unused = [...arrays.keys()].filter((key) => !used.has(key)).map((key) => `${quoted(key)} belongs to nothing`);
  const step = isRecord(state) ? String(state.step) : undefined;
  const steps =
    file.metadata.step === step ? [] : [`the tensors are of step ${file.metadata.step}, the state of ${step}`];
  const problems = [...steps, ...missing, ...unused];
  if (problems.length === 0) return state;
  throw new PeftError(
    'checkpoint/training-state',
    `${name}: ${stateFile} and ${tensorsFile} are not of one save; copy both from the same folder:${problemList(problems)}`,
  );
}

function stateProblems(state: unknown): string[] {
  if (!isRecord(state)) return [`the state is ${kindOf(state)}`];
  const expected = {
    version: 'a number',
    strategy: 'a string',
    fingerprint: 'a string',
    seed: 'a number',
    step: 'a number',
    totalSteps: 'a number',
    position: 'an object',
    targets: 'an array',
    tensors: 'an object',
    starts: 'an object',
    finished: 'an array',
  };
  return Object.entries(expected)
    .filter(([key, kind]) => kindOf(state[key]) !== kind)
    .map(([key, kind]) => `${key} is ${kindOf(state[key])}, and ${kind} is expected`);
}
