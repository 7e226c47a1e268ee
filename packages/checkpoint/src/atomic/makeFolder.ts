import { nodeModule } from '../nodeModule.ts';
import type { FileSystem } from './fileSystem.ts';
import { syncFolder } from './stageFiles.ts';
import { attempt } from './writeError.ts';

/** Makes a folder and the folders above it where they are absent, and waits until the disk holds them. */
export async function makeFolder(path: string, fileSystem: FileSystem): Promise<void> {
  const { dirname, resolve } = nodeModule('node:path');
  const topmost = await attempt(`making the folder ${path}`, () => fileSystem.mkdir(path, { recursive: true }));
  if (topmost === undefined) return;
  const above = dirname(resolve(topmost));
  for (let made = dirname(resolve(path)); ; made = dirname(made)) {
    await syncFolder(made, fileSystem);
    if (made === above || made === dirname(made)) return;
  }
}
