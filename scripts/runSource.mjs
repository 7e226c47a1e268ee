// Runs a TypeScript script against the packages' sources: node scripts/runSource.mjs <script>.ts [arguments]
import { resolve } from 'node:path';
import { createViteServer } from 'vitest/node';

const conditions = ['@peft/source', 'module', 'node', 'import', 'default'];
const server = await createViteServer({
  configFile: false,
  appType: 'custom',
  logLevel: 'error',
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  server: { middlewareMode: true, ws: false, watch: null },
});
try {
  process.argv.splice(1, 1);
  await server.ssrLoadModule(resolve(process.argv[1]));
} finally {
  await server.close();
}
