import { build } from '../../tsup.shared.ts';

// The shim gives the CommonJS build an import.meta.url, from which the folder of the kernels is found.
export default build({ index: 'src/index.ts', main: 'src/main.ts' }, { shims: true });
