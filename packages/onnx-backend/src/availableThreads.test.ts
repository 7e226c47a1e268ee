import { expect, it } from 'vitest';
import { availableThreads, quotasOf, threadsOf } from './availableThreads.ts';

const reader = (files: Readonly<Record<string, string>>) => async (path: string) => files[path]?.trim();

it('reads the quota of a unified control group and of its parents', async () => {
  const files = {
    '/proc/self/cgroup': '0::/team/job\n',
    '/sys/fs/cgroup/team/cpu.max': '400000 100000\n',
    '/sys/fs/cgroup/team/job/cpu.max': 'max 100000\n',
  };
  expect(await quotasOf(reader(files))).toEqual([4]);
});

it('reads the quota of a legacy control group, mounted under either name', async () => {
  const files = (folder: string) => ({
    '/proc/self/cgroup': '3:memory:/box\n2:cpu,cpuacct:/box\n',
    [`${folder}/box/cpu.cfs_quota_us`]: '150000\n',
    [`${folder}/box/cpu.cfs_period_us`]: '100000\n',
    [`${folder}/cpu.cfs_quota_us`]: '-1\n',
    [`${folder}/cpu.cfs_period_us`]: '100000\n',
  });
  expect(await quotasOf(reader(files('/sys/fs/cgroup/cpu')))).toEqual([1.5]);
  expect(await quotasOf(reader(files('/sys/fs/cgroup/cpu,cpuacct')))).toEqual([1.5]);
});

it('finds no quota where there are no control groups', async () => {
  expect(await quotasOf(reader({}))).toEqual([]);
});

it('is the smallest grant, at least one thread', async () => {
  expect(threadsOf(8, [])).toBe(8);
  expect(threadsOf(8, [4, 2.5])).toBe(3);
  expect(threadsOf(8, [0.25])).toBe(1);
  expect(await availableThreads()).toBeGreaterThanOrEqual(1);
});
