import { existsSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { libraryPath } from './libraryPath.ts';

const { platform } = process;
afterEach(() => Object.defineProperty(process, 'platform', { value: platform }));

it('is the library of the installed package', async () => {
  expect(existsSync(await libraryPath())).toBe(true);
});

it('says for which platform there is none', async () => {
  Object.defineProperty(process, 'platform', { value: 'plan9' });
  await expect(libraryPath()).rejects.toMatchObject({
    code: 'onnx/library',
    message: `onnxruntime-node holds no ONNX Runtime library for plan9 ${process.arch}; install it with its files whole, or choose another engine.`,
  });
});
