import { readdirSync } from 'node:fs';

// The package graph of ARCHITECTURE.md. A package may import what its row names, and nothing else of ours.
const graph = {
  schedulers: {
    may: [],
    because: 'Schedules are plain functions of the step: they serve any trainer and never see a tensor.',
  },
  ops: {
    may: [],
    because: 'Operations are the bottom: knowing adapters would keep them out of every other project and engine.',
  },
  core: {
    may: ['ops'],
    because: 'The interfaces and the loop know no strategy, model, schedule or file; those are handed in.',
  },
  graph: {
    may: [],
    because: 'A graph is a tfjs function written down: whoever made the function, a model or a step, it never asks.',
  },
  compiler: {
    may: ['core', 'graph'],
    because: 'What compiling engines share: it turns functions of core into graphs, and never asks what runs them.',
  },
  'onnx-backend': {
    may: ['compiler', 'core', 'graph'],
    because: 'It runs graphs; of core it knows the types of Engine and Weights, and the eager engine it falls back to.',
  },
  'cuda-backend': {
    may: ['compiler', 'core', 'graph'],
    because: 'As onnx-backend: it runs graphs, whoever made them.',
  },
  lora: {
    may: ['core', 'ops'],
    because: 'A strategy that compiles without any other strategy, model or engine composes with all of them.',
  },
  adalora: {
    may: ['core', 'ops', 'schedulers'],
    because: 'As for lora; schedulers gives it the cubic budget curve.',
  },
  cola: {
    may: ['core'],
    because: 'A chain is a function from strategy to strategy: whatever it knew about a link would be a special case.',
  },
  checkpoint: {
    may: ['core', 'graph'],
    because:
      'Files are described by the records that strategies export; it never imports a strategy to save it. An ONNX file is a graph written down.',
  },
  adapters: {
    may: ['core', 'lora', 'ops'],
    because: 'It sees adapters through Strategy alone; lora is what a combination of several is given as.',
  },
  models: {
    may: ['core', 'ops', 'checkpoint'],
    because: 'A model reaches weights through At only, so no model can come to depend on how it is adapted.',
  },
};

// What is never shipped may use every package: tests, their data, and scripts that measure or check.
const tests = '\\.test(-d)?\\.ts$|^[^/]+/[^/]+/(test|bench|browser)/|/__fixtures__/';

for (const name of readdirSync('packages')) {
  if (!(name in graph)) throw new Error(`packages/${name} has no row in the package graph of .dependency-cruiser.mjs`);
}

const imports = Object.entries(graph).map(([name, { may, because }]) => ({
  name: `${name}-imports-only-${may.join('-') || 'nothing-of-ours'}`,
  comment: because,
  severity: 'error',
  from: { path: `^packages/${name}/`, pathNot: tests },
  to: { path: '^packages/', pathNot: `^packages/(${[name, ...may].join('|')})/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...imports,
    {
      name: 'no-cycles',
      comment:
        'In a cycle no module can be loaded, tested or moved alone. Edges of types alone do not count: the central types ' +
        'are recursive (a strategy returns effects, which carry a strategy), one idea to a file.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'siblings-by-name',
      comment: 'A relative path into another package goes round its exports map and breaks once it is published.',
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^packages/', pathNot: '^packages/$1/', dependencyTypes: ['local'] },
    },
    {
      name: 'siblings-by-public-entry',
      comment: 'What index.ts does not export is free to change; a deep import would freeze it.',
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: {
        path: '^packages/',
        pathNot: ['^packages/$1/', '^packages/[^/]+/(src|src/testing|test)/index\\.ts$'],
      },
    },
    {
      name: 'packages-are-the-bottom',
      comment: 'Examples and benchmarks use packages as anyone would; the other direction would ship them.',
      severity: 'error',
      from: { path: '^packages/' },
      to: { path: '^(examples|benchmarks)/' },
    },
    {
      name: 'declared-dependencies',
      comment: 'Published code may import only what its own package.json installs or asks for.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: tests },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm', 'npm-peer', 'npm-optional', 'type-only'],
      },
    },
    {
      name: 'union-tfjs-only',
      comment: 'tfjs-core alone registers no gradients in Node; the union package is the one peer everybody shares.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: tests },
      to: { path: '@tensorflow/tfjs-', pathNot: '@tensorflow\\+tfjs@' },
    },
    {
      name: 'no-tests-in-the-product',
      comment: 'A test that product code imports is shipped with it.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: tests },
      to: { path: tests },
    },
    {
      name: 'resolvable',
      comment: 'An import that resolves to nothing hides from every rule above.',
      severity: 'error',
      from: { path: '^(packages|examples|benchmarks)/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^((packages|examples)/[^/]+/dist|benchmarks/([.]venv|cuda/dist))/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@peft/source', 'types', 'import', 'node', 'default'],
      extensions: ['.ts', '.mjs', '.js', '.json', '.node'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
