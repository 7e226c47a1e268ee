// npm run test:browser [-- --screenshot FILE --only PART-OF-A-NAME]: the built packages in a headless Chromium, compiled against eager.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleApplication, bundlePages, strangers } from './bundlePages.mjs';
import { chromiumPath, startChromium } from './chromium.mjs';
import { servePages } from './servePages.mjs';

const { screenshot, only } = parseArgs({
  options: { screenshot: { type: 'string' }, only: { type: 'string' } },
}).values;

try {
  chromiumPath();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

let failed = 0;
const say = ({ kind, what, found }) => {
  if (kind === 'failed') failed++;
  console.log(`${kind.padEnd(8)}${what}: ${found}`);
};

const threads = Math.min(4, availableParallelism());
const wasm = { runtime: 'wasm', threads, tolerance: 1e-5, warnings: [], options: {} };

/** Each in a page of its own, since what onnxruntime-web starts with holds for the life of a page. */
const plans = {
  'WebAssembly in an isolated page': {
    ...wasm,
    parts: ['runs', 'transformers', 'exports', 'worker'],
  },
  'times on WebAssembly': { ...wasm, parts: ['times'] },
  'a page that is not isolated, on an insecure origin': {
    ...wasm,
    place: 'plain',
    host: 'insecure.test',
    threads: 1,
    runs: ['COLA of LoRA, dropout 0.1'],
    warnings: threads > 1 ? ['onnxEngine: steps run on one thread'] : [],
    parts: ['runs'],
  },
  'no files of onnxruntime-web': {
    runtime: 'eager',
    threads: null,
    tolerance: 0,
    options: { browser: { wasmPaths: '/isolated/missing/' } },
    warnings: ['onnxEngine: onnxruntime-web does not start on wasm'],
    runs: ['COLA of LoRA, dropout 0.1'],
    parts: ['runs'],
  },
};

const webgpu = {
  runtime: 'webgpu',
  threads,
  tolerance: 1e-5,
  options: { browser: { provider: 'webgpu' } },
  warnings: [],
  runs: ['LoRA, dropout 0.3, two micro-batches a step', 'COLA of AdaLoRA'],
  parts: ['runs', 'transformers'],
};

async function checkBundles() {
  for (const platform of ['browser', 'node']) {
    const bundle = await bundleApplication(platform);
    const found = strangers(bundle, platform);
    const kilobytes = `${Math.round(bundle.bytes / 1024)} kB minified without tfjs`;
    say({
      kind: found.length === 0 ? 'passed' : 'failed',
      what: `what a bundler takes for ${platform === 'node' ? 'Node' : 'browsers'}`,
      found: found.length === 0 ? `nothing of the other side, ${kilobytes}` : found.join(', '),
    });
  }
}

const folder = mkdtempSync(join(tmpdir(), 'peft-browser-'));
await checkBundles();
await bundlePages(folder);
const { port, close } = await servePages(folder);

async function runPlan(browser, name, { place = 'isolated', host = '127.0.0.1', ...plan }) {
  if (only !== undefined && !name.includes(only)) return undefined;
  console.log(`\n${name}`);
  const url = `http://${host}:${port}/${place}/?plan=${encodeURIComponent(JSON.stringify(plan))}`;
  try {
    return await browser.open(url, { onReport: say, seconds: 600, screenshot: screenshot !== undefined });
  } catch (error) {
    say({ kind: 'failed', what: name, found: error.message });
    return undefined;
  }
}

const browser = await startChromium(['--host-resolver-rules=MAP insecure.test 127.0.0.1']);
console.log(`\n${browser.version}`);
for (const [index, [name, plan]] of Object.entries(plans).entries()) {
  const picture = await runPlan(browser, name, plan);
  if (index === 0 && picture) writeFileSync(screenshot, picture);
}
await browser.close();

// Chromium's own emulation of a graphics processor: slow, and the same arithmetic on every machine.
const emulated = await startChromium(['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']);
await runPlan(emulated, 'WebGPU, emulated', webgpu);
await runPlan(emulated, 'an emulation is not chosen', { ...wasm, parts: [] });
await emulated.close();

close();
rmSync(folder, { recursive: true, force: true });
console.log(failed === 0 ? '\nall passed' : `\n${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
