import { build } from '../tsup.shared.ts';

export default build(
  { main: 'src/main.ts', bench: 'src/bench.ts', worker: 'src/worker.ts' },
  { format: ['esm'], dts: false, platform: 'node' },
);
