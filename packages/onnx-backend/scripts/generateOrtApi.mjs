// Writes src/native/ortApi.generated.ts: where the functions we call stand in ONNX Runtime's table of functions.
// node scripts/generateOrtApi.mjs path/to/onnxruntime_c_api.h, the public header of a version whose API the pinned
// onnxruntime-node still has: the table is only ever appended to.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

const needed = [
  'GetErrorCode',
  'GetErrorMessage',
  'CreateEnv',
  'CreateSessionFromArray',
  'CreateSessionOptions',
  'DisableMemPattern',
  'EnableProfiling',
  'SetSessionGraphOptimizationLevel',
  'SetIntraOpNumThreads',
  'SetSessionLogSeverityLevel',
  'AddSessionConfigEntry',
  'CreateCpuMemoryInfo',
  'CreateTensorWithDataAsOrtValue',
  'CreateIoBinding',
  'BindInput',
  'BindOutput',
  'RunWithBinding',
  'ReleaseStatus',
  'ReleaseSessionOptions',
  'ReleaseSession',
  'ReleaseValue',
  'ReleaseIoBinding',
];

const path = process.argv[2];
if (path === undefined) throw new Error('name the header: node scripts/generateOrtApi.mjs onnxruntime_c_api.h');
const header = readFileSync(path);
const code = header
  .toString('utf8')
  .replaceAll(/\/\*[\s\S]*?\*\//g, '')
  .replaceAll(/\/\/.*$/gm, '');
const version = code.match(/#define ORT_API_VERSION (\d+)/)?.[1];
const body = code.match(/struct OrtApi \{([\s\S]*?)\n\};/)?.[1];
if (version === undefined || body === undefined) throw new Error(`${path} is no onnxruntime_c_api.h`);

const names = body
  .split(';')
  .map((entry) => entry.trim())
  .filter((entry) => entry !== '')
  .map((entry) => {
    const release = entry.match(/^ORT_CLASS_RELEASE\((\w+)\)/)?.[1];
    const name =
      entry.match(/^ORT_API2_STATUS\((\w+)/)?.[1] ??
      entry.match(/^ORT_API_T\([^,]+,\s*(\w+)/)?.[1] ??
      entry.match(/\(ORT_API_CALL\s*\*\s*(\w+)\)/)?.[1];
    if (release === undefined && name === undefined) throw new Error(`an entry without a name: ${entry}`);
    return release === undefined ? name : `Release${release}`;
  });
const missing = needed.filter((name) => names.indexOf(name) < 0 || names.indexOf(name) !== names.lastIndexOf(name));
if (missing.length > 0) throw new Error(`not once in the table: ${missing.join(', ')}`);

const rows = needed.map((name) => [name, names.indexOf(name)]).toSorted((a, b) => a[1] - b[1]);
writeFileSync(
  new URL('../src/native/ortApi.generated.ts', import.meta.url),
  `// Written by scripts/generateOrtApi.mjs from onnxruntime_c_api.h; do not edit.

/** The version of the table that is asked for: any library of this one or a later has it. */
export const ortApiVersion = ${version};

/** SHA-256 of the header. */
export const ortHeaderHash = '${createHash('sha256').update(header).digest('hex')}';

/** Places in the table of functions. */
export const ortApiIndices = {
${rows.map(([name, index]) => `  ${name}: ${index},`).join('\n')}
} as const;
`,
);
