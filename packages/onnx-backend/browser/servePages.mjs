import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';

const { resolve } = createRequire(import.meta.url);
const onnxFiles = dirname(resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm'));
const tfjsFiles = dirname(resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm'));

const types = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

const html = `<!doctype html><meta charset="utf-8"><title>@peft/onnx-backend</title>
<style>body{font:14px/1.5 system-ui;margin:2em}td{padding:.15em 1em .15em 0;vertical-align:top}.failed{color:#b00020}</style>
<h1>@peft/onnx-backend</h1><table id="rows"></table><script type="module" src="main.js"></script>`;

/** Serves the bundle on this machine alone: isolated under /isolated/, without those headers under /plain/. */
export async function servePages(folder) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    const [, place, name] = /^\/(isolated|plain)\/([^/]*)$/.exec(pathname) ?? [];
    const isPage = name === '';
    const file = name && [folder, onnxFiles, tfjsFiles].map((each) => join(each, name)).find(existsSync);
    if (!isPage && !file) return response.writeHead(404).end();
    response.writeHead(200, {
      'Content-Type': isPage ? 'text/html' : (types[extname(name)] ?? 'application/octet-stream'),
      ...(place === 'isolated' ? isolation : {}),
    });
    return isPage ? response.end(html) : createReadStream(file).pipe(response);
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return { port: server.address().port, close: () => server.close() };
}
