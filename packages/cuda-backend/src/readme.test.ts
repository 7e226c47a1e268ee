import { readmeExample } from '../../../scripts/readmeExample.ts';

readmeExample(import.meta.url, (specifier) => import(specifier));
