import type { DeviceDescription } from '../../src/device/driver.ts';

/** What the simulator calls itself: of the newest architecture that has shipped kernels' features, and small. */
export const simulatedDescription: DeviceDescription = {
  name: 'simulated device',
  architecture: 90,
  multiprocessors: 4,
  sharedMemory: 227 * 1024,
  memory: 2 ** 32,
  driverVersion: 13000,
};
