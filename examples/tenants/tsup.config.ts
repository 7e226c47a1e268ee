import { build } from '../../tsup.shared.ts';

export default build({ main: 'src/main.ts' }, { format: ['esm'], dts: false, platform: 'node' });
