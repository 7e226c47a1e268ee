import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder in which compiled kernels and chosen algorithms are kept from one process to the next. */
export function cacheFolder(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  const { PEFT_CUDA_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = environment;
  if (PEFT_CUDA_CACHE) return PEFT_CUDA_CACHE;
  if (platform === 'win32' && LOCALAPPDATA) return join(LOCALAPPDATA, 'peft-cuda');
  return join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'peft-cuda');
}
