import { availableParallelism } from 'node:os';
import type { Compiler } from '../src/device/compiler.ts';
import { figuresOf, type KernelFigures } from './kernelFigures.ts';

export interface TextToCompile {
  readonly file: string;
  readonly text: string;
  readonly architecture: number;
}

export interface CompiledText extends TextToCompile {
  readonly image: Uint8Array;
  readonly figures: Readonly<Record<string, KernelFigures>>;
}

/** Compiles texts, as many at once as there are processors; a line for each, and all that fail in one error at the end. */
export async function compileTexts(
  compiler: Compiler,
  texts: readonly TextToCompile[],
  onCompiled: (compiled: CompiledText) => void,
): Promise<void> {
  const waiting = [...texts];
  const failures: string[] = [];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const start = performance.now();
      const { file, architecture, text } = next;
      try {
        const request = { name: `${file}.cu`, architecture, options: ['-Xptxas=-v'] };
        const { image, log } = await compiler.compile(text, request);
        onCompiled({ ...next, image, figures: figuresOf(log) });
        const seconds = ((performance.now() - start) / 1000).toFixed(1);
        console.log(`${file} sm_${architecture}: ${image.length} bytes, ${seconds} s`);
      } catch (error) {
        failures.push((error as Error).message);
        console.log(`${file} sm_${architecture}: FAILED`);
      }
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  if (failures.length > 0) throw new Error(failures.join('\n\n'));
}
