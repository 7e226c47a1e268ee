import { CudaError } from '../cudaError.ts';
import { isNvrtcBuiltins, libraryRemedies, libraryTitles, libraryVariables } from './libraryNames.ts';
import { type LibraryPlace, type LibraryRequest, libraryPlaces, type PlaceSource } from './libraryPlaces.ts';
import type { KoffiModule } from './loadKoffi.ts';
import { type Machine, thisMachine } from './machine.ts';

type Handle = ReturnType<KoffiModule['load']>;
type Load = (path: string, options?: { readonly global?: boolean }) => Handle;

/** What was seen at a place. */
export interface LookedAt {
  readonly source: PlaceSource;
  readonly path: string;
  /** `loaded`, `not there`, or the loader's complaint. */
  readonly outcome: string;
}

/** What a search for a library saw. */
export interface LibraryReport {
  readonly kind: LibraryRequest['kind'];
  /** Path, or bare name where the loader found it; undefined where no place served. */
  readonly path: string | undefined;
  readonly lookedAt: readonly LookedAt[];
}

export interface FoundLibrary extends LibraryReport {
  readonly path: string;
  readonly handle: Handle;
}

/** Looks for a library and loads the first that loads. Never throws. */
export function findLibrary(
  request: LibraryRequest,
  load: Load,
  machine: Machine = thisMachine,
): LibraryReport | FoundLibrary {
  const { kind } = request;
  const lookedAt: LookedAt[] = [];
  for (const place of libraryPlaces(request, machine)) {
    const { source, path, folder } = place;
    if (folder !== undefined && !machine.exists(path)) {
      lookedAt.push({ source, path, outcome: 'not there' });
      continue;
    }
    try {
      if (kind === 'nvrtc') loadBuiltins(place, load, machine);
      const handle = load(path);
      lookedAt.push({ source, path, outcome: 'loaded' });
      return { kind, path, lookedAt, handle };
    } catch (error) {
      lookedAt.push({ source, path, outcome: (error as Error).message });
    }
  }
  return { kind, path: undefined, lookedAt };
}

export function isFound(report: LibraryReport): report is FoundLibrary {
  return report.path !== undefined;
}

/** The library of a report. @throws CudaError `cuda/library` naming every place that was looked at, and the remedy */
export function requireFound(report: LibraryReport | FoundLibrary): FoundLibrary {
  if (isFound(report)) return report;
  throw new CudaError('cuda/library', describeSearch(report));
}

/** Refuses a file that the program or the environment names and that does not load. @throws CudaError `cuda/library` */
export function requireGiven(report: LibraryReport): void {
  const isGiven = report.lookedAt.some(({ source }) => source === 'option' || source === 'environment');
  if (isGiven && report.path === undefined) throw new CudaError('cuda/library', describeSearch(report));
}

/** Says that a library was not found, what to do, and a line for every place that was looked at. */
export function describeSearch({ kind, lookedAt }: LibraryReport): string {
  const lines = lookedAt.map(({ source, path, outcome }) => `  ${path} (${sourceTitles[source]}): ${outcome}`);
  return [
    `${libraryTitles[kind]} was not found; ${libraryRemedies[kind]}, or name its file in ${libraryVariables[kind]}. Looked at:`,
    ...lines,
  ].join('\n');
}

const sourceTitles: Readonly<Record<PlaceSource, string>> = {
  option: 'given as an option',
  environment: 'given by the environment',
  loader: 'the loader of this system',
  toolkit: 'a CUDA toolkit',
  conda: 'the conda environment',
  python: 'a Python wheel',
};

// NVRTC opens them by bare name and only at the first compilation, where a missing one is a failure without a reason.
function loadBuiltins({ folder }: LibraryPlace, load: Load, machine: Machine): void {
  if (folder === undefined) return;
  for (const file of machine.list(folder)) {
    if (isNvrtcBuiltins(file) && !file.includes('.alt.')) load(machine.join(folder, file), { global: true });
  }
}
