import { defineConfig } from 'vitest/config';

// Tests resolve sibling packages to their sources, so no build is needed to work on them.
const conditions = ['@peft/source', 'module', 'node', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxWorkers: 2,
    passWithNoTests: false,
  },
});
