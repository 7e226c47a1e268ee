import { build } from '../../tsup.shared.ts';

export default build({ index: 'src/index.ts', 'index.browser': 'src/index.browser.ts' });
