import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { tfjsPackages } from '../../src/tfjs/installedPackage.ts';

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies?: object;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>;
  readonly bin: Readonly<Record<string, string>>;
};

it('never installs TensorFlow by itself', () => {
  expect(Object.keys(manifest.dependencies).filter((name) => name.startsWith('@tensorflow/'))).toEqual([]);
  expect(manifest.optionalDependencies).toBeUndefined();
  for (const name of tfjsPackages) {
    expect(manifest.peerDependencies[name]).toBe('^4.22.0');
    expect(manifest.peerDependenciesMeta[name]).toEqual({ optional: true });
  }
});

it('has a command, whose file starts Node', () => {
  expect(manifest.bin).toEqual({ 'peft-cuda': './dist/main.js' });
  const source = readFileSync(new URL('../../src/main.ts', import.meta.url), 'utf8');
  expect(source.startsWith('#!/usr/bin/env node\n')).toBe(true);
});
