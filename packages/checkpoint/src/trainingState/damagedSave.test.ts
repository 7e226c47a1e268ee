import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isPeftError } from '@peft/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { byteSource } from '../byteSource.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { fullState } from '../testing/trainingStates.ts';
import { readStateFiles } from './stateFiles.ts';
import { trainingDirectory } from './trainingDirectory.ts';

const names = ['state.json', 'tensors.safetensors'] as const;
type Files = Readonly<Record<(typeof names)[number], Uint8Array>>;

let files: Files;

beforeAll(() =>
  withTemporaryFolder(async (folder) => {
    await trainingDirectory(folder).save(fullState());
    const read = (name: string) => readFile(join(folder, 'save-000001', name));
    files = { 'state.json': await read('state.json'), 'tensors.safetensors': await read('tensors.safetensors') };
  }),
);

/** The code of what reading these files says; the state must be whole where it says nothing. */
async function outcomeOf(changed: Partial<Files>): Promise<string> {
  const all: Record<string, Uint8Array> = { ...files, ...changed };
  const open = async (name: string) => byteSource(name, all[name] as Uint8Array);
  try {
    expect(await readStateFiles({ name: 'save', open })).toStrictEqual(fullState());
    return 'whole';
  } catch (error) {
    if (!isPeftError(error)) throw error;
    return error.code;
  }
}

describe.each(names)('%s', (name) => {
  it('with a bit of any byte turned is refused, or means the same', async () => {
    const meaningless: string[] = [];
    for (let at = 0; at < files[name].length; at++) {
      const bytes = Uint8Array.from(files[name]);
      // All eight bits in turn.
      bytes[at] = (bytes[at] as number) ^ (1 << (at % 8));
      const outcome = await outcomeOf({ [name]: bytes });
      if (outcome === 'whole') meaningless.push(new TextDecoder().decode(files[name].subarray(at - 18, at + 1)));
    }
    // The last digit of 0.1 + 0.2 is beyond what a double holds.
    expect(meaningless).toEqual(name === 'state.json' ? ['0.30000000000000004'] : []);
  });

  it('cut short anywhere is refused', async () => {
    for (let length = 0; length < files[name].length; length += 7) {
      expect(await outcomeOf({ [name]: files[name].subarray(0, length) }), `${length} bytes`).not.toBe('whole');
    }
  });
});

it('says which tensors are not what was saved, and what the state should have been', () =>
  withTemporaryFolder(async (folder) => {
    const path = join(folder, 'save-000001');
    await mkdir(path);
    const bytes = Uint8Array.from(files['tensors.safetensors']);
    bytes.set([2], bytes.length - 1);
    await writeFile(join(path, 'tensors.safetensors'), bytes);
    await writeFile(join(path, 'state.json'), files['state.json']);
    const message = async () => {
      const error: unknown = await trainingDirectory(folder)
        .load()
        .catch((reason: unknown) => reason);
      if (!isPeftError(error)) throw error;
      return `${error.code}: ${error.message.replaceAll(folder, 'run')}`;
    };
    expect(await message()).toMatchInlineSnapshot(`
      "checkpoint/damaged-save: run: the newest save, save-000001, cannot be read. There is none before it; remove it and start anew. The reason: run/save-000001: tensors.safetensors: 1 of 19 tensors are not what was saved; the disk or a copy damaged the file:
        "tensors/bool" has checksum 71a34080, and 9fad21ac was saved"
    `);
    const text = new TextDecoder().decode(files['state.json']);
    await writeFile(join(path, 'state.json'), text.replace('"seed":4294967295', '"seed":4294967294'));
    expect(await message()).toMatchInlineSnapshot(
      `"checkpoint/damaged-save: run: the newest save, save-000001, cannot be read. There is none before it; remove it and start anew. The reason: run/save-000001: state.json is not what was saved: its checksum is 79c28472, and "d6c01a16" was saved with it; the disk or a copy damaged it, or it was edited."`,
    );
  }));

it('refuses a state that uses one array again and again, which would take its memory as often', async () => {
  const { version, state } = JSON.parse(new TextDecoder().decode(files['state.json']));
  state.tensors.float64 = state.tensors.float32;
  const document = new TextEncoder().encode(JSON.stringify({ format: 'peft training state', version, state }));
  const open = async (name: string) =>
    byteSource(name, name === 'state.json' ? document : files['tensors.safetensors']);
  await expect(readStateFiles({ name: 'save', open })).rejects.toThrow(
    'save: state.json and tensors.safetensors are not of one save; copy both from the same folder:\n  "tensors/float32" is used twice\n  "tensors/float64" belongs to nothing',
  );
});
