import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format } from 'node:util';
import ts from 'typescript';
import { expect, test } from 'vitest';

interface Example {
  readonly line: number;
  readonly code: string;
  readonly output: string | undefined;
}

type Load = (specifier: string) => Promise<unknown>;

interface ReadmeOptions {
  /** The README, from the folder of the test. */
  readonly readme?: string;
  /** Fills the working folder with what the reader has. */
  readonly prepare?: () => Promise<void>;
}

/**
 * Registers one test for each ```ts block of the README.md one folder above the test at `testUrl`. A block runs as a
 * module of its own, in an empty working folder; when the next fenced block is ```text, it must equal what
 * `console.log` printed. `load` is the test file's own `import`, so that example and tests share module instances.
 */
export function readmeExample(
  testUrl: string,
  load: Load,
  { readme = '../README.md', prepare = async () => {} }: ReadmeOptions = {},
): void {
  const examples = examplesIn(readFileSync(new URL(readme, testUrl), 'utf8'));
  test('README.md has an example', () => expect(examples.length).toBeGreaterThan(0));
  for (const example of examples) {
    test(`README.md, the example at line ${example.line}`, async () => {
      const printed = await runExample(example.code, { load, prepare });
      if (example.output !== undefined) expect(printed).toBe(example.output);
    });
  }
}

function examplesIn(markdown: string): readonly Example[] {
  const blocks = [...markdown.matchAll(/^```([^\n]*)\n(.*?)^```[ \t]*$/gms)].map((match) => ({
    language: (match[1] ?? '').trim(),
    text: match[2] ?? '',
    line: markdown.slice(0, match.index).split('\n').length,
  }));
  return blocks.flatMap(({ language, text, line }, index) => {
    const next = blocks[index + 1];
    return language === 'ts' ? [{ line, code: text, output: next?.language === 'text' ? next.text : undefined }] : [];
  });
}

async function runExample(
  code: string,
  { load, prepare }: { readonly load: Load; readonly prepare: () => Promise<void> },
): Promise<string> {
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  });
  const modules = new Map<string, unknown>();
  for (const { fileName } of ts.preProcessFile(code).importedFiles) modules.set(fileName, await load(fileName));
  const lines: string[] = [];
  const recorder = { ...console, log: (...values: unknown[]) => void lines.push(`${format(...values)}\n`) };
  const AsyncFunction = (async () => {}).constructor as new (...source: string[]) => (...values: unknown[]) => unknown;
  const run = new AsyncFunction('require', 'exports', 'console', outputText);
  const home = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), 'readme-example-'));
  process.chdir(folder);
  try {
    await prepare();
    await run((specifier: string) => modules.get(specifier), {}, recorder);
  } finally {
    process.chdir(home);
    rmSync(folder, { recursive: true, force: true });
  }
  return lines.join('');
}
