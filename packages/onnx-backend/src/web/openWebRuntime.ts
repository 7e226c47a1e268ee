import { OnnxError } from '../onnxError.ts';
import type { Runtime } from '../runtime.ts';
import type { BrowserOptions, Provider } from './browserOptions.ts';
import { hasGpu } from './gpuDevice.ts';
import type { LoadOptions } from './loadedOrt.ts';
import { type PageThreads, pageThreads, threadsOfPage } from './threadsOfPage.ts';
import { webRuntime } from './webRuntime.ts';

export interface WebOptions {
  readonly threads?: number;
  readonly browser?: BrowserOptions;
  readonly onWarning: (message: string) => void;
}

/** What the browser offers; tests hand in their own. */
export interface Page {
  readonly threads: PageThreads;
  /** Whether WebGPU has an adapter that is no emulation. */
  hasGpu(): Promise<boolean>;
  open(options: LoadOptions): Promise<Runtime>;
}

const thisPage = (): Page => ({
  threads: pageThreads(),
  hasGpu: () => hasGpu(),
  open: (options) => webRuntime(options),
});

/**
 * The provider asked for, or the first that works; undefined where none does. Says what is slower than it could be.
 * @throws OnnxError `onnx/library`, `onnx/numbers` where the one asked for does not work
 */
export async function openWebRuntime(
  { threads: wanted, browser = {}, onWarning }: WebOptions,
  page: Page = thisPage(),
): Promise<Runtime | undefined> {
  const { threads, warning } = threadsOfPage(page.threads, wanted);
  const open = async (provider: Provider) => {
    const { wasmPaths } = browser;
    const runtime = await page.open({ provider, threads, ...(wasmPaths === undefined ? {} : { wasmPaths }) });
    if (provider === 'wasm' && warning !== undefined) onWarning(warning);
    if (runtime.threads !== threads) {
      onWarning(
        `onnxEngine: onnxruntime-web keeps its ${runtime.threads} threads, chosen once for the life of a page.`,
      );
    }
    return runtime;
  };
  if (browser.provider !== undefined) return open(browser.provider);
  const steps: (readonly [provider: Provider, next: string])[] = [
    ['wasm', 'eager TensorFlow.js, which is many times slower'],
  ];
  if (await page.hasGpu()) steps.unshift(['webgpu', 'WebAssembly']);
  for (const [provider, next] of steps) {
    try {
      return await open(provider);
    } catch (error) {
      if (!(error instanceof OnnxError)) throw error;
      onWarning(`onnxEngine: ${error.message} Until then it uses ${next}.`);
    }
  }
  return undefined;
}
