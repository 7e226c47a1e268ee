import { build } from '../../tsup.shared.ts';

// The shim gives the CommonJS build an import.meta.url, from which onnxruntime-node is found.
export default build({ index: 'src/index.ts', 'index.browser': 'src/index.browser.ts' }, { shims: true });
