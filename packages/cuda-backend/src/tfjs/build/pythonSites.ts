import type { TfjsMachine } from '../tfjsMachine.ts';

// Finds packages without importing them: TensorFlow takes seconds to import.
const script = `
import json, os
from importlib.util import find_spec
places = [place for name in ('tensorflow', 'nvidia') for place in ((find_spec(name) or find_spec('json')).submodule_search_locations or [])]
print(json.dumps([os.path.dirname(place) for place in places if os.path.basename(place) in ('tensorflow', 'nvidia')]))
`;

/** Folders from which a Python imports TensorFlow and the wheels of CUDA, or what is wrong with the Python. */
export async function pythonSites({ run }: TfjsMachine, python: string): Promise<readonly string[] | string> {
  const { status, output, errors } = await run(python, { args: ['-c', script] });
  if (status !== 0) return `${python} does not run: ${errors.trim().split('\n').at(-1)}`;
  const sites = [...new Set(JSON.parse(output) as string[])];
  return sites.length > 0 ? sites : `${python} has no TensorFlow`;
}
