import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isPeftError, type TrainingState } from '@peft/core';
import { expect, it } from 'vitest';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { fullState } from '../testing/trainingStates.ts';
import { trainingDirectory } from './trainingDirectory.ts';

/** The message of a rejection, with the temporary folder left out. */
async function rejection(promise: Promise<unknown>, folder: string): Promise<string> {
  const error = await promise.then(
    () => expect.unreachable('it resolved'),
    (reason: unknown) => reason,
  );
  if (!isPeftError(error)) throw error;
  return `${error.code}: ${error.message.replaceAll(folder, 'run')}`;
}

async function withSaves(steps: readonly number[], use: (folder: string) => Promise<void>): Promise<void> {
  await withTemporaryFolder(async (parent) => {
    const folder = join(parent, 'run');
    const store = trainingDirectory(folder);
    for (const step of steps) await store.save(fullState(step));
    await use(folder);
  });
}

/** Changes a state file as if it were from before there were checksums. */
const rewrite = async (file: string, change: (document: Record<string, unknown>) => unknown) => {
  const { checksum, checksums, ...document } = JSON.parse(await readFile(file, 'utf8'));
  expect([checksum, checksums]).not.toContain(undefined);
  await writeFile(file, JSON.stringify(change(document)));
};

it('gives back every dtype, number and link, bit for bit', () =>
  withSaves([4], async (folder) => {
    const loaded = await trainingDirectory(folder).load();
    expect(loaded).toStrictEqual(fullState());
    const bits = (state: TrainingState | undefined) =>
      Object.values(state?.tensors ?? {}).map((leaf) =>
        typeof leaf === 'number'
          ? Object.is(leaf, -0)
          : [...new Uint8Array(leaf.data.buffer, leaf.data.byteOffset, leaf.data.byteLength)],
      );
    expect(bits(loaded)).toEqual(bits(fullState()));
  }));

it('gives the newest of the last two saves, and nothing where nothing was saved', () =>
  withSaves([1, 2, 3], async (folder) => {
    expect((await readdir(folder)).sort()).toEqual(['save-000002', 'save-000003']);
    expect((await trainingDirectory(folder).load())?.step).toBe(3);
    expect(await trainingDirectory(join(folder, 'elsewhere')).load()).toBeUndefined();
  }));

it('reports a damaged newest save, and skips it where that is wanted', () =>
  withSaves([1, 2], async (folder) => {
    const file = join(folder, 'save-000002', 'tensors.safetensors');
    await writeFile(file, (await readFile(file)).subarray(0, -10));
    expect(await rejection(trainingDirectory(folder).load(), folder)).toMatchInlineSnapshot(`
      "checkpoint/damaged-save: run: the newest save, save-000002, cannot be read. Before it there is save-000001; pass damaged: "skip" to go on from there, or remove save-000002. The reason: run/save-000002/tensors.safetensors: 5 of 19 tensors end beyond the 105 bytes after the header; the copy is incomplete, fetch the file again:
        "tensors/float8_e5m2" ends at byte 106
        "best/tensors/adapter/x" ends at byte 109
        "tensors/int8" ends at byte 112
        "tensors/uint8" ends at byte 113
        "tensors/bool" ends at byte 115"
    `);
    const warnings: string[] = [];
    const store = trainingDirectory(folder, { damaged: 'skip', onWarning: (warning) => warnings.push(warning) });
    expect((await store.load())?.step).toBe(1);
    expect(warnings.map((warning) => warning.replaceAll(folder, 'run'))).toMatchInlineSnapshot(`
      [
        "run: save-000002 is damaged and skipped: run/save-000002/tensors.safetensors: 5 of 19 tensors end beyond the 105 bytes after the header; the copy is incomplete, fetch the file again:
        "tensors/float8_e5m2" ends at byte 106
        "best/tensors/adapter/x" ends at byte 109
        "tensors/int8" ends at byte 112
        "tensors/uint8" ends at byte 113
        "tensors/bool" ends at byte 115",
      ]
    `);
  }));

it('says so when no save can be read', () =>
  withSaves([1, 2], async (folder) => {
    for (const save of ['save-000001', 'save-000002']) await writeFile(join(folder, save, 'state.json'), '{"format":');
    const store = trainingDirectory(folder, { damaged: 'skip', onWarning: () => {} });
    expect(await rejection(store.load(), folder)).toMatchInlineSnapshot(
      `
      "checkpoint/damaged-save: run: no save can be read, so there is nothing to go on from; start anew elsewhere:
        save-000002: run/save-000002/state.json is not JSON (Unexpected end of JSON input); the file is damaged or is another file, fetch or write it again.
        save-000001: run/save-000001/state.json is not JSON (Unexpected end of JSON input); the file is damaged or is another file, fetch or write it again."
    `,
    );
    await rm(join(folder, 'save-000001'), { recursive: true });
    expect(await rejection(trainingDirectory(folder).load(), folder)).toMatchInlineSnapshot(
      `"checkpoint/damaged-save: run: the newest save, save-000002, cannot be read. There is none before it; remove it and start anew. The reason: run/save-000002/state.json is not JSON (Unexpected end of JSON input); the file is damaged or is another file, fetch or write it again."`,
    );
  }));

it('refuses a newer format, even where damaged saves are skipped', () =>
  withSaves([1, 2], async (folder) => {
    await rewrite(join(folder, 'save-000002', 'state.json'), (document) => ({ ...document, version: 2 }));
    const store = trainingDirectory(folder, { damaged: 'skip', onWarning: () => {} });
    expect(await rejection(store.load(), folder)).toMatchInlineSnapshot(
      `"checkpoint/state-version: run/save-000002: the save has format 2, newer than 1, the newest this version reads; upgrade @peft/checkpoint and @peft/core."`,
    );
  }));

it('refuses files of something else', () =>
  withTemporaryFolder(async (folder) => {
    await mkdir(join(folder, 'save-000001'));
    await writeFile(join(folder, 'save-000001', 'state.json'), '{"step":3}');
    expect(await rejection(trainingDirectory(folder).load(), folder)).toMatchInlineSnapshot(
      `"checkpoint/damaged-save: run: the newest save, save-000001, cannot be read. There is none before it; remove it and start anew. The reason: run/save-000001: state.json is not the state of a training run (its format is absent); pass the folder that trainingDirectory wrote to."`,
    );
    await writeFile(join(folder, 'save-000001', 'state.json'), '{"format":"other","version":1}');
    expect(await rejection(trainingDirectory(folder).load(), folder)).toMatchInlineSnapshot(
      `"checkpoint/damaged-save: run: the newest save, save-000001, cannot be read. There is none before it; remove it and start anew. The reason: run/save-000001: state.json is not the state of a training run (its format is "other"); pass the folder that trainingDirectory wrote to."`,
    );
    await rm(join(folder, 'save-000001', 'state.json'));
    expect(await rejection(trainingDirectory(folder).load(), folder)).toMatchInlineSnapshot(
      `"checkpoint/damaged-save: run: the newest save, save-000001, cannot be read. There is none before it; remove it and start anew. The reason: run/save-000001: there is no state.json; it is no save of a training run, or a part of one is lost."`,
    );
  }));

it('refuses a save that lost its tensors', () =>
  withSaves([1], async (folder) => {
    await rm(join(folder, 'save-000001', 'tensors.safetensors'));
    expect(await rejection(trainingDirectory(folder).load(), folder)).toMatchInlineSnapshot(
      `"checkpoint/damaged-save: run: the newest save, save-000001, cannot be read. There is none before it; remove it and start anew. The reason: run/save-000001: there is no tensors.safetensors; a part of the save is lost."`,
    );
  }));

it('refuses the files of two saves', () =>
  withSaves([1, 2], async (folder) => {
    const state = await readFile(join(folder, 'save-000001', 'state.json'));
    await writeFile(join(folder, 'save-000002', 'state.json'), state);
    expect(await rejection(trainingDirectory(folder).load(), folder)).toMatchInlineSnapshot(`
      "checkpoint/damaged-save: run: the newest save, save-000002, cannot be read. Before it there is save-000001; pass damaged: "skip" to go on from there, or remove save-000002. The reason: run/save-000002: state.json and tensors.safetensors are not of one save; copy both from the same folder:
        the tensors are of step 2, the state of 1"
    `);
  }));

it('refuses a state that was edited, with everything that is wrong', () =>
  withSaves([1], async (folder) => {
    const file = join(folder, 'save-000001', 'state.json');
    const original = await readFile(file);
    await rewrite(file, (document) => {
      const state = document.state as Record<string, unknown>;
      return { ...document, state: { ...state, targets: 'layer', seed: null, position: undefined } };
    });
    expect(await rejection(trainingDirectory(folder).load(), folder)).toMatchInlineSnapshot(`
      "checkpoint/damaged-save: run: the newest save, save-000001, cannot be read. There is none before it; remove it and start anew. The reason: run/save-000001: state.json does not hold a whole training state; it was changed after it was saved:
        seed is null, and a number is expected
        position is absent, and an object is expected
        targets is a string, and an array is expected"
    `);
    await writeFile(file, original);
    await rewrite(file, (document) => {
      const state = document.state as Record<string, unknown>;
      return { ...document, state: { ...state, finished: [], starts: { x: { $tensor: 'gone' } } } };
    });
    expect(await rejection(trainingDirectory(folder).load(), folder)).toMatchInlineSnapshot(`
      "checkpoint/damaged-save: run: the newest save, save-000001, cannot be read. There is none before it; remove it and start anew. The reason: run/save-000001: state.json and tensors.safetensors are not of one save; copy both from the same folder:
        "gone" is missing
        "finished/0/params/layer.0.query/a" belongs to nothing"
    `);
  }));

it('refuses wrong options where they are written, all at once', async () => {
  const made = (path: unknown, options?: unknown) => async () => trainingDirectory(path as string, options as never);
  expect(await rejection(made('run', { keep: 0 })(), '-')).toBe(
    'checkpoint/options: trainingDirectory:\n  keep is 0, and at least 1 save must stay; pass a whole number from 1',
  );
  const wrong = { keep: Number.NaN, damaged: 'ignore', onWarning: true, retries: 3 };
  expect(await rejection(made('', wrong)(), '-')).toMatchInlineSnapshot(`
    "checkpoint/options: trainingDirectory:
      path is ""; pass the path of a folder
      "retries" is no option; the options are keep, damaged, onWarning, fileSystem
      keep is NaN, and at least 1 save must stay; pass a whole number from 1
      damaged is "ignore"; it must be "refuse" or "skip"
      onWarning is no function; leave it out to have console.warn"
  `);
  expect(await rejection(made(undefined, { keep: '3' })(), '-')).toMatchInlineSnapshot(`
    "checkpoint/options: trainingDirectory:
      path is undefined; pass the path of a folder
      keep is "3", and at least 1 save must stay; pass a whole number from 1"
  `);
  expect(await rejection(made('run', null)(), '-')).toBe(
    'checkpoint/options: trainingDirectory: options are null; pass an object such as { keep: 2 }, or leave them out.',
  );
});

it('tells a second writer, and the first goes on', () =>
  withTemporaryFolder(async (folder) => {
    const [first, second] = [trainingDirectory(folder), trainingDirectory(folder)];
    await first.save(fullState(1));
    expect((await second.load())?.step).toBe(1);
    await first.save(fullState(2));
    expect(await rejection(second.save(fullState(2)), folder)).toMatchInlineSnapshot(
      `"checkpoint/two-writers: run holds save-000002, which this run did not write: another process saves there too; nothing was saved and its saves are untouched; end one of the two, or give each run a directory of its own."`,
    );
    await first.save(fullState(3));
    expect(await rejection(second.save(fullState(3)), folder)).toContain('checkpoint/two-writers');
    expect((await trainingDirectory(folder).load())?.step).toBe(3);
    await second.load();
    await second.save(fullState(4));
    expect(await rejection(first.save(fullState(4)), folder)).toContain('checkpoint/two-writers');
  }));

it('keeps the saves of a run that it does not go on from, and says so once', () =>
  withSaves([3, 4], async (folder) => {
    const warnings: string[] = [];
    const onWarning = (warning: string) => warnings.push(warning.replaceAll(folder, 'run'));
    const anew = trainingDirectory(folder, { onWarning });
    for (const step of [1, 2, 3]) await anew.save(fullState(step));
    expect((await readdir(folder)).sort()).toEqual(['save-000001', 'save-000002', 'save-000004', 'save-000005']);
    const restarted = trainingDirectory(folder, { onWarning });
    expect((await restarted.load())?.step).toBe(3);
    for (const step of [3, 3]) await restarted.save(fullState(step));
    expect((await readdir(folder)).sort()).toEqual(['save-000002', 'save-000006', 'save-000007']);
    expect(warnings).toMatchInlineSnapshot(`
      [
        "run holds saves that this run did not begin from, the newest is save-000002; they stay, and from now on load() gives this run's. Pass what load() gives as resume to go on from a save, or give each run a directory of its own.",
      ]
    `);
    const otherRun = { ...fullState(5), seed: 1 };
    await trainingDirectory(folder, { onWarning }).save(otherRun);
    expect(warnings).toHaveLength(2);
    expect(await readdir(folder)).toHaveLength(4);
    const sameRun = trainingDirectory(folder, { onWarning });
    for (const step of [6, 7]) await sameRun.save({ ...otherRun, step });
    expect(warnings).toHaveLength(2);
    const others = ['save-000002', 'save-000006', 'save-000007'];
    expect((await readdir(folder)).sort()).toEqual([...others, 'save-000009', 'save-000010']);
  }));

it('loads the newest save while a writer makes new ones and removes the one being read', () =>
  withTemporaryFolder(async (folder) => {
    const most = 500;
    const stateAt = (step: number) => ({ ...fullState(step), totalSteps: most });
    const writer = trainingDirectory(folder, { keep: 1 });
    await writer.save(stateAt(1));
    let isDone = false;
    const seen: number[] = [];
    const writing = (async () => {
      // A busy machine may read one save in the time of many.
      for (let step = 2; step <= 12 || (new Set(seen).size < 2 && step <= most); step++) {
        await writer.save(stateAt(step));
      }
      isDone = true;
    })();
    while (!isDone) {
      const state = await trainingDirectory(folder).load();
      expect(state).toStrictEqual(stateAt(state?.step ?? 0));
      seen.push(state?.step ?? 0);
    }
    await writing;
    expect(seen.toSorted((left, right) => left - right)).toEqual(seen);
    expect(new Set(seen).size).toBeGreaterThan(1);
  }));

it('looks again where the save it reads is removed under its hands', () =>
  withSaves([1], async (folder) => {
    const builtin = process.getBuiltinModule('node:fs/promises');
    const { stat } = builtin;
    builtin.stat = (async (...call: Parameters<typeof stat>) => {
      builtin.stat = stat;
      await trainingDirectory(folder, { keep: 1 }).save(fullState(2));
      return stat(...call);
    }) as typeof stat;
    expect((await trainingDirectory(folder).load())?.step).toBe(2);
  }));

it('reports what fails for the moment as it is, even where damaged saves are skipped', () =>
  withSaves([1, 2], async (folder) => {
    const builtin = process.getBuiltinModule('node:fs/promises');
    const { open } = builtin;
    const store = trainingDirectory(folder, { damaged: 'skip', onWarning: () => {} });
    builtin.open = () => Promise.reject(Object.assign(new Error('too many'), { code: 'EMFILE' }));
    const failed = await rejection(store.load(), folder).finally(() => {
      builtin.open = open;
    });
    expect(failed).toBe(
      'checkpoint/unreadable: run/save-000002/state.json: the file cannot be read (EMFILE); check that it is a file this user may read.',
    );
    expect((await store.load())?.step).toBe(2);
  }));

it('has one file open at a time, however many tensors a state has', () =>
  withTemporaryFolder(async (folder) => {
    const state = fullState(1);
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`adapter/${i}`, state.tensors.float32]));
    await trainingDirectory(folder).save({ ...state, tensors: many as TrainingState['tensors'] });
    const builtin = process.getBuiltinModule('node:fs/promises');
    const { open } = builtin;
    let isOpen = 0;
    let most = 0;
    builtin.open = async (...call) => {
      const handle = await open(...call);
      most = Math.max(most, ++isOpen);
      const close = handle.close.bind(handle);
      handle.close = () => {
        isOpen--;
        return close();
      };
      return handle;
    };
    const loaded = await trainingDirectory(folder)
      .load()
      .finally(() => {
        builtin.open = open;
      });
    expect(Object.keys(loaded?.tensors ?? {})).toHaveLength(300);
    expect(most).toBe(1);
  }));

it('still loads saves from before there were checksums', async () => {
  const folder = new URL('./__fixtures__/withoutChecksums', import.meta.url).pathname;
  expect(await trainingDirectory(folder).load()).toStrictEqual(fullState(4));
});
