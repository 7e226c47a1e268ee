import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/tfjs/temporaryFolder.ts';
import { zipOf } from '../../../test/tfjs/zipOf.ts';
import { unpackWheel } from './unpackWheel.ts';
import { extractZip, readZip } from './zipArchive.ts';

const folder = temporaryFolder();

function write(name: string, content: Buffer): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

function filesIn(place: string): Readonly<Record<string, string>> {
  const entries = readdirSync(place, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath, entry.name)).sort();
  return Object.fromEntries(paths.map((path) => [relative(place, path), readFileSync(path, 'utf8')]));
}

describe('a zip archive', () => {
  it('gives back what was put in, in both widths', async () => {
    let count = 0;
    const name = fc.stringMatching(/^[a-zé][a-z0-9]{0,6}$/);
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(name, fc.string({ maxLength: 300 }), { maxKeys: 5 }),
        fc.boolean(),
        async (files, wide) => {
          const archive = write(`${count}.zip`, zipOf(files, { wide }));
          const place = join(folder, `out${count++}`);
          const entries = await readZip(archive);
          expect(entries.map((entry) => entry.name)).toEqual(Object.keys(files));
          for (const entry of entries) await extractZip(archive, entry, place);
          if (entries.length > 0)
            expect(filesIn(place)).toEqual(
              Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1))),
            );
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('a wheel', () => {
  const wheel = {
    'tensorflow/include/tensorflow/c/c_api.h': 'int TF_Version(void); // and more',
    'tensorflow/libtensorflow_cc.so.2': 'library',
    'tensorflow/libtensorflow_framework.so.2': 'framework',
    'tensorflow/python/platform/build_info.py': 'build_info = {}',
    'tensorflow/python/eager/context.py': 'not needed',
    'tensorflow/python/_pywrap_tfe.so': 'not needed',
    'tensorflow-2.21.0.dist-info/METADATA': 'Version: 2.21.0',
    'tensorflow-2.21.0.dist-info/RECORD': 'not needed',
    'nvidia/cublas/lib/libcublas.so.12': 'cublas',
    'nvidia/cublas/include/cublas.h': 'not needed',
  };

  it('leaves its libraries, headers and descriptions', async () => {
    const place = join(folder, 'wheel');
    await unpackWheel(write('tensorflow.whl', zipOf(wheel)), place);
    const needed = Object.entries(wheel).filter(([, text]) => text !== 'not needed');
    expect(filesIn(place)).toEqual(Object.fromEntries(needed.sort(([a], [b]) => (a < b ? -1 : 1))));
  });

  const whole = zipOf(wheel);
  const spoilt = Buffer.from(whole);
  const text =
    spoilt.indexOf('tensorflow/libtensorflow_framework.so.2') + 'tensorflow/libtensorflow_framework.so.2'.length + 6;
  spoilt.writeUInt8((spoilt.readUInt8(text) + 1) % 256, text);
  const noDirectory = zipOf({}, { wide: true });
  noDirectory.writeUInt32LE(0, 0);

  it.each<[string, Buffer, string]>([
    ['that is cut short', whole.subarray(0, 300), 'it is no zip archive, or cut short'],
    ['of changed bytes', spoilt, 'tensorflow/libtensorflow_framework.so.2 in it is damaged'],
    [
      'that leads out',
      zipOf({ 'tensorflow/include/../../../evil': 'x' }),
      'tensorflow/include/../../../evil leads out of the archive',
    ],
    ['with a damaged directory', noDirectory, 'its directory is damaged'],
  ])('%s is refused', async (name, content, problem) => {
    const place = join(folder, `refused ${name}`);
    await expect(unpackWheel(write('broken.whl', content), place)).rejects.toMatchObject({
      code: 'cuda/tfjs-build',
      message: expect.stringContaining(
        `build-tfjs: the wheel broken.whl cannot be unpacked: ${problem}; download it again.`,
      ),
    });
  });
});
