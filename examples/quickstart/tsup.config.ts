import { build } from '../../tsup.shared.ts';

export default build({ pretrain: 'src/pretrain.ts' }, { format: ['esm'], dts: false, platform: 'node' });
