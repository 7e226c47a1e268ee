import { versionText } from '../device/describeDevice.ts';
import type { DeviceDescription } from '../device/driver.ts';
import type { LibraryReport } from '../device/findLibrary.ts';
import { libraryRemedies } from '../device/libraryNames.ts';
import type { Door, Finding } from './door.ts';

/** What `cudaEngine()` would find. */
export interface EngineParts {
  /** The device and its driver's library, or why there is none. */
  readonly driver: { readonly device: DeviceDescription; readonly path: string } | { readonly failure: string };
  readonly compiler: LibraryReport;
  readonly products: LibraryReport;
  /** What made the compiled kernels of the package that serve the device; undefined where none do. */
  readonly shippedKernels: string | undefined;
}

/** Kernels come from the package or from NVRTC: one of the two is needed. cuBLASLt makes products faster. */
export function engineDoor({ driver, compiler, products, shippedKernels }: EngineParts): Door {
  const findings = [
    driverFinding(driver),
    libraryFinding('NVRTC', compiler),
    libraryFinding('cuBLASLt', products),
    {
      part: 'kernels',
      isFound: shippedKernels !== undefined,
      what: kernelsText(shippedKernels, 'device' in driver),
    },
  ];
  const hasKernels = shippedKernels !== undefined || compiler.path !== undefined;
  if ('failure' in driver) return { name: 'cudaEngine', works: false, findings, remedy: remedyOf(driver.failure) };
  if (!hasKernels) return { name: 'cudaEngine', works: false, findings, remedy: libraryRemedies.nvrtc };
  return { name: 'cudaEngine', works: true, findings };
}

function driverFinding(driver: EngineParts['driver']): Finding {
  if ('failure' in driver) return { part: 'driver', isFound: false, what: driver.failure.split('; ')[0] as string };
  const { name, architecture, memory, driverVersion } = driver.device;
  const device = `${name}, compute capability ${(architecture / 10).toFixed(1)}, ${(memory / 2 ** 30).toFixed(0)} GiB`;
  return {
    part: 'driver',
    isFound: true,
    what: `${driver.path} for CUDA up to ${versionText(driverVersion)}; ${device}`,
  };
}

function kernelsText(shipped: string | undefined, hasDevice: boolean): string {
  if (!hasDevice) return 'chosen for the device, and there is none';
  return shipped === undefined ? 'none in the package for this device' : `in the package, by ${shipped}`;
}

function libraryFinding(part: string, { path, lookedAt }: LibraryReport): Finding {
  if (path !== undefined) return { part, isFound: true, what: path };
  const places = `${lookedAt.length} place${lookedAt.length === 1 ? '' : 's'}`;
  return { part, isFound: false, what: `looked for at ${places}, ${lookedAt[0]?.path} first` };
}

// A failure of the driver is a sentence with its remedy behind the semicolon.
function remedyOf(failure: string): string {
  const [first] = failure.split('\n') as [string];
  return (
    first
      .split('; ')
      .slice(1)
      .join('; ')
      .replace(/[.:]?( Looked at:)?$/, '') || libraryRemedies.driver
  );
}
