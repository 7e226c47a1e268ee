// Type-checks the ```ts blocks of every README, each as a file of its own in the folder whose dependencies it may use.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from './workspacePackages.mjs';

/** The README at the top is read as an application that installs every package. */
const rootReadme = { folder: 'examples/quickstart', file: 'README.md' };

export function readmeTypeProblems(packages) {
  const own = packages.map(({ folder }) => ({ folder, file: `${folder}/README.md` }));
  const blocks = [rootReadme, ...own].filter(({ file }) => existsSync(join(root, file))).flatMap(blocksOf);
  const sources = new Map(blocks.map((block) => [block.path, block]));
  const { options, errors } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile).config,
    ts.sys,
    root,
  );
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => sources.has(path) || fileExists(path);
  host.readFile = (path) => sources.get(path)?.code ?? readFile(path);
  host.getSourceFile = (path, ...more) =>
    sources.has(path) ? ts.createSourceFile(path, sources.get(path).code, more[0]) : getSourceFile(path, ...more);
  const program = ts.createProgram([...sources.keys()], options, host);
  const found = [...sources.keys()].flatMap((path) => {
    const source = program.getSourceFile(path);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  });
  return [...errors.filter(({ code }) => code !== 18003), ...found].map((diagnostic) => said(diagnostic, sources));
}

function blocksOf({ folder, file }) {
  const markdown = readFileSync(join(root, file), 'utf8');
  return [...markdown.matchAll(/^```ts\n(.*?)^```/gms)].map(({ 1: code, index }) => {
    const line = markdown.slice(0, index).split('\n').length;
    return { file, line, code: `${code}\nexport {};\n`, path: join(root, folder, `readme-${line}.ts`) };
  });
}

function said({ file, start, messageText }, sources) {
  const message = ts.flattenDiagnosticMessageText(messageText, '\n');
  const block = file && sources.get(file.fileName);
  if (!block) return message;
  return `${block.file}:${block.line + 1 + file.getLineAndCharacterOfPosition(start).line}: ${message}`;
}
