import { build } from '../../tsup.shared.ts';

export default build(
  { main: 'src/main.ts', worker: 'src/worker.ts', pretrain: 'src/pretrain.ts' },
  { format: ['esm'], dts: false, platform: 'node' },
);
