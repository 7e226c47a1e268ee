import { type InstalledPackage, tfjsPackages } from '../installedPackage.ts';
import type { TfjsMachine } from '../tfjsMachine.ts';

export interface Tools {
  readonly installed: InstalledPackage | undefined;
  readonly compiler: string;
  readonly headers: string | undefined;
}

/** What building an addon needs and this machine lacks, each with its remedy. */
export async function missingTools(machine: TfjsMachine, { installed, compiler, headers }: Tools): Promise<string[]> {
  const missing: string[] = [];
  if (machine.platform !== 'linux') {
    missing.push(
      `this is ${machine.platform}: TensorFlow's libraries for Python are of use to the addon on Linux only`,
    );
  }
  if (!installed) {
    missing.push(
      `neither ${tfjsPackages.join(' nor ')} is installed; run: npm install --ignore-scripts ${tfjsPackages[0]}`,
    );
  }
  if ((await machine.run(compiler, { args: ['--version'] })).status !== 0) {
    missing.push(
      `there is no C++ compiler ${compiler}; run: apt-get install g++ (dnf install gcc-c++), or name one in CXX`,
    );
  }
  if (!headers) {
    missing.push(
      `the headers of Node (node_api.h) are neither beside ${machine.nodePath} nor in node-gyp's cache; run: npm install --no-save node-api-headers`,
    );
  }
  return missing;
}
