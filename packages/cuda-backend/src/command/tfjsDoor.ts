import { cudaFacts, driverFacts } from '../tfjs/cudaFacts.ts';
import { diagnoseCpu, diagnoseDriver, diagnosePackage } from '../tfjs/diagnose.ts';
import { type InstalledPackage, installedPackage, tfjsPackages } from '../tfjs/installedPackage.ts';
import { installTensorflow } from '../tfjs/installTensorflow.ts';
import { probeAddon } from '../tfjs/probeAddon.ts';
import type { TfjsMachine } from '../tfjs/tfjsMachine.ts';
import { wantedByPackage } from '../tfjs/wantedByPackage.ts';
import type { WantedCuda } from '../tfjs/wantedCuda.ts';
import type { Door, Finding } from './door.ts';

/** What `tfjsGpu()` would find; its addon is tried in a process of its own. */
export async function tfjsDoor(machine: TfjsMachine, addon?: string): Promise<Door> {
  const installed = installedPackage(machine, { addon });
  if (!installed?.isBuilt) {
    const { remedy } =
      diagnoseDriver(machine, driverFacts(machine)) ?? diagnosePackage(machine, { installed, names: tfjsPackages });
    return closed([...partsOf(installed), driverFinding(machine)], remedy);
  }
  const probe = await probeAddon(machine, installed.addon);
  if ('failure' in probe) {
    const failed = missing('TensorFlow', `the addon does not load: ${probe.failure}`);
    return closed([...partsOf(installed), failed, driverFinding(machine)], `run: ${installTensorflow(machine)}`);
  }
  const { tensorflow, usesGpu, said } = probe;
  const wanted = wantedByPackage(machine, tensorflow, installed);
  const facts = cudaFacts(machine, wanted?.libraries ?? [], installed.built?.folders);
  const findings = [
    ...partsOf(installed),
    found(
      'TensorFlow',
      `${tensorflow}, built ${wanted ? `with CUDA ${wanted.cuda} and cuDNN ${wanted.cudnn}` : 'without CUDA'}`,
    ),
    driverFinding(machine),
    ...(wanted ? [libraryFinding(wanted, facts)] : []),
    { part: 'GPU', isFound: usesGpu, what: usesGpu ? 'TensorFlow computes on it' : 'TensorFlow computes on the CPU' },
  ];
  if (usesGpu) return { name: 'tfjsGpu', works: true, findings };
  const { problem, remedy } = diagnoseCpu(machine, { tensorflow, wanted, found: facts });
  const reasons = [problem, ...said.map((line) => `TensorFlow says: ${line}`)];
  return { ...closed(findings, remedy), reasons };
}

function partsOf(installed: InstalledPackage | undefined): Finding[] {
  if (!installed) return [missing('package', tfjsPackages.join(' or '))];
  const { name, version, folder, addon, isBuilt } = installed;
  return [found('package', `${name} ${version} in ${folder}`), { part: 'addon', isFound: isBuilt, what: addon }];
}

function driverFinding(machine: TfjsMachine): Finding {
  const { version, cuda } = driverFacts(machine);
  if (cuda === undefined) return missing('driver', version === undefined ? 'of NVIDIA' : `the library of ${version}`);
  return found('driver', `${version ?? 'of NVIDIA'}, for CUDA up to ${cuda}`);
}

function libraryFinding({ cuda, cudnn }: WantedCuda, facts: ReturnType<typeof cudaFacts>): Finding {
  if (facts.missing.length > 0) return missing('CUDA', facts.missing.join(', '));
  return found('CUDA', `${facts.cuda ?? cuda} and cuDNN ${facts.cudnn ?? cudnn}`);
}

const found = (part: string, what: string): Finding => ({ part, isFound: true, what });
const missing = (part: string, what: string): Finding => ({ part, isFound: false, what });
const closed = (findings: readonly Finding[], remedy: string): Door => ({
  name: 'tfjsGpu',
  works: false,
  findings,
  remedy,
});
