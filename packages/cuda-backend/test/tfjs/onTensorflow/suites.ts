export interface Suite {
  /** A folder of packages/. */
  readonly name: string;
  /** Files that are about a backend they name, with the reason that they say nothing of another. */
  readonly leftOut?: Readonly<Record<string, string>>;
}

/** The packages whose tests choose a backend of tfjs: laws, goldens and all. */
export const suites: readonly Suite[] = [
  { name: 'ops', leftOut: { 'src/operation.test.ts': 'looks kernels up under the name of a backend' } },
  { name: 'lora' },
  { name: 'adalora' },
  { name: 'cola' },
  { name: 'core', leftOut: { 'src/slowBackendWarning.test.ts': "is about tfjs's JavaScript backend" } },
  { name: 'adapters' },
  { name: 'models' },
];
