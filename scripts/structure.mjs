// The house rules that no linter knows, read from the files themselves.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';
import ts from 'typescript';
import { root } from './workspacePackages.mjs';

const longest = 600;
const long = 400;
/** Files that may be longer than `longest` lines, each with its reason. */
const mayBeLonger = {};

const isTest = (file) => /\.test(-d)?\.ts$/.test(file);

function filesUnder(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (['node_modules', 'dist', 'out', 'coverage', '__fixtures__'].includes(entry.name) || entry.name.startsWith('.'))
      return [];
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesUnder(path) : /\.(ts|mjs|js)$/.test(entry.name) ? [path] : [];
  });
}

const read = (file) => readFileSync(join(root, file), 'utf8');
const parse = (file) => ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true);

function fileProblems(file) {
  const text = read(file);
  const lines = text.split('\n').length - 1;
  const problems = [];
  if (/^(utils?|helpers?|common|types|misc|shared)\.\w+$/.test(basename(file))) {
    problems.push(`${file} has no subject: name a file after the one idea it holds`);
  }
  if (lines > longest && !mayBeLonger[file])
    problems.push(`${file} has ${lines} lines, over ${longest}: split it by idea`);
  else if (lines > long) console.log(`${file} has ${lines} lines, over ${long}: could it be two?`);
  text.split('\n').forEach((line, index) => {
    const place = `${file}:${index + 1}`;
    if (/\bTO[D]O\b|\bFIX[M]E\b/.test(line)) problems.push(`${place} leaves work for later: do it or open an issue`);
    if (
      isTest(file) &&
      /\b(?:it|test|describe|suite)\b[.\w]*\.(?:skip|only|todo|skipIf|runIf|fails)\b|\b(?:context|ctx)\.skip\(/.test(
        line,
      )
    ) {
      problems.push(`${place} skips or singles out a test: every test runs`);
    }
  });
  return problems;
}

const isReExport = (statement) => ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined;
const isBareImport = (statement) => ts.isImportDeclaration(statement) && statement.importClause === undefined;

function indexProblems(file, sideEffects) {
  return parse(file)
    .statements.filter((statement) => !isReExport(statement) && !(isBareImport(statement) && sideEffects))
    .map(
      (statement) =>
        `${file}: index.ts only re-exports, move "${statement.getText().split('\n')[0]}" to a file of its own`,
    );
}

/** A bundler drops `import './x.ts'` unless sideEffects names the file, and the built file it ends up in. */
function sideEffectProblems(folder, manifest, sources) {
  const listed = Array.isArray(manifest.sideEffects) ? manifest.sideEffects : [];
  const needed = sources.flatMap((file) =>
    parse(file)
      .statements.filter(isBareImport)
      .map(({ moduleSpecifier }) => moduleSpecifier.text)
      .filter((specifier) => specifier.startsWith('.'))
      .map(
        (specifier) =>
          `./${relative(folder, join(file, '..', specifier))
            .split(sep)
            .join('/')}`,
      ),
  );
  if (needed.length > 0) needed.push('./dist/index.js', './dist/index.cjs');
  return needed
    .filter((path) => !listed.includes(path))
    .map((path) => `${folder}/package.json: sideEffects must list ${path}, which is imported for its effect`);
}

/** A sibling that product code imports is installed with the package, not only beside its tests. */
function siblingProblems({ folder, manifest }, sources) {
  const installed = { ...manifest.dependencies, ...manifest.peerDependencies, [manifest.name]: '' };
  const imported = sources.flatMap((file) =>
    ts.preProcessFile(read(file)).importedFiles.map(({ fileName }) => fileName),
  );
  const siblings = imported.flatMap((specifier) => specifier.match(/^@peft\/[^/]+/) ?? []);
  return [...new Set(siblings)]
    .filter((name) => !(name in installed))
    .map((name) => `${folder}/package.json: its sources import ${name}, so name it in dependencies`);
}

/** Names that `index.ts` makes public and whose declared result is a strategy. */
function publicStrategies(index, sources) {
  const exported = parse(index).statements.filter(isReExport);
  const isPublic = (file, name) =>
    exported.some(({ moduleSpecifier, exportClause }) => {
      if (join(index, '..', moduleSpecifier.text) !== join(file)) return false;
      return (
        !exportClause || exportClause.elements?.some((element) => (element.propertyName ?? element.name).text === name)
      );
    });
  return sources.flatMap((file) => {
    const functions = parse(file).statements.flatMap((statement) => {
      if (ts.isFunctionDeclaration(statement)) return [[statement.name?.text, statement.type]];
      if (!ts.isVariableStatement(statement)) return [];
      return statement.declarationList.declarations
        .filter(({ initializer }) => initializer && ts.isArrowFunction(initializer))
        .map(({ name, initializer }) => [name.getText(), initializer.type]);
    });
    return functions
      .filter(
        ([name, type]) => name && type && /^(?!Any)\w*Strategy\b(?!\s*\[)/.test(type.getText()) && isPublic(file, name),
      )
      .map(([name]) => name);
  });
}

function packageProblems({ folder, manifest }) {
  const problems = existsSync(join(root, folder, 'README.md')) ? [] : [`${folder} has no README.md`];
  const index = `${folder}/src/index.ts`;
  if (!existsSync(join(root, index))) return [...problems, `${folder} has no src/index.ts`];

  const files = filesUnder(`${folder}/src`);
  const sources = files.filter((file) => !isTest(file));
  for (const file of sources.filter((each) => basename(each) === 'index.ts'))
    problems.push(...indexProblems(file, manifest.sideEffects));
  problems.push(...sideEffectProblems(folder, manifest, sources));
  problems.push(...siblingProblems({ folder, manifest }, sources));

  const contracts = filesUnder(folder)
    .filter((file) => file.endsWith('.contract.test.ts'))
    .map(read);
  for (const name of publicStrategies(index, sources)) {
    const covered = contracts.some((text) => new RegExp(`\\b${name}\\(`).test(text));
    if (!covered)
      problems.push(`${folder} exports the strategy ${name}, and no *.contract.test.ts runs the laws on it`);
  }
  return problems;
}

function lockfileProblems() {
  return read('pnpm-lock.yaml')
    .split('\n')
    .flatMap((line, index) =>
      /\btarball:|https?:\/\//.test(line)
        ? [`pnpm-lock.yaml:${index + 1} records where a package came from: ${line.trim()}`]
        : [],
    );
}

export function structureProblems(packages) {
  return [
    ...packages.flatMap(({ folder }) => filesUnder(folder)).flatMap(fileProblems),
    ...filesUnder('scripts').flatMap(fileProblems),
    ...packages.filter(({ published }) => published).flatMap(packageProblems),
    ...lockfileProblems(),
  ];
}
