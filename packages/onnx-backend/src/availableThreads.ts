/** CPUs of this process: what its affinity and the quotas of its control groups (versions 1 and 2) grant, at least 1. */
export async function availableThreads(): Promise<number> {
  const { availableParallelism } = await import('node:os');
  const { readFile } = await import('node:fs/promises');
  const read = (path: string) =>
    readFile(path, 'utf8').then(
      (text) => text.trim(),
      () => undefined,
    );
  return threadsOf(availableParallelism(), await quotasOf(read));
}

/** The number of threads for so many CPUs under these quotas, in CPUs; parts of a CPU count from a half on. */
export function threadsOf(cpus: number, quotas: readonly number[]): number {
  return Math.max(1, Math.round(Math.min(cpus, ...quotas)));
}

/** The CPU quotas of this process's control group and its parents. */
export async function quotasOf(read: (path: string) => Promise<string | undefined>): Promise<readonly number[]> {
  const groups = (await read('/proc/self/cgroup'))?.split('\n').map((line) => line.split(':')) ?? [];
  const quotas: number[] = [];
  for (const [, controllers, path = '/'] of groups) {
    const isUnified = controllers === '';
    if (!isUnified && !controllers?.split(',').includes('cpu')) continue;
    const mounts = isUnified ? ['/sys/fs/cgroup'] : ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup/cpu,cpuacct'];
    for (const folder of mounts.flatMap((mount) => parentsOf(path).map((parent) => `${mount}${parent}`))) {
      quotas.push(...(isUnified ? await unified(folder, read) : await legacy(folder, read)));
    }
  }
  return quotas;
}

function parentsOf(path: string): readonly string[] {
  const parts = path.split('/').filter((part) => part !== '');
  return Array.from({ length: parts.length + 1 }, (_, count) =>
    parts
      .slice(0, count)
      .map((part) => `/${part}`)
      .join(''),
  );
}

type Read = (path: string) => Promise<string | undefined>;

async function unified(folder: string, read: Read): Promise<readonly number[]> {
  const [quota, period] = ((await read(`${folder}/cpu.max`)) ?? 'max').split(' ').map(Number);
  return ratio(quota, period);
}

async function legacy(folder: string, read: Read): Promise<readonly number[]> {
  const quota = await read(`${folder}/cpu.cfs_quota_us`);
  return ratio(Number(quota), Number(await read(`${folder}/cpu.cfs_period_us`)));
}

function ratio(quota = Number.NaN, period = Number.NaN): readonly number[] {
  return quota > 0 && period > 0 ? [quota / period] : [];
}
