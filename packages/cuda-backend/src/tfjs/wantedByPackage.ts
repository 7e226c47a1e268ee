import type { InstalledPackage } from './installedPackage.ts';
import type { TfjsMachine } from './tfjsMachine.ts';
import { type WantedCuda, wantedCuda } from './wantedCuda.ts';

/** What the TensorFlow of a package wants: undefined for one without CUDA, as that of tfjs-node is unless built anew. */
export function wantedByPackage(
  { platform }: TfjsMachine,
  tensorflow: string,
  { name, built }: Partial<Pick<InstalledPackage, 'name' | 'built'>>,
): WantedCuda | undefined {
  if (built) return built.cuda && wantedCuda(tensorflow, platform, built.cuda);
  return name === '@tensorflow/tfjs-node-gpu' ? wantedCuda(tensorflow, platform) : undefined;
}
