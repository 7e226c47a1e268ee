import type { Event } from '../driver.ts';
import { notReadyStatus } from './driverFailure.ts';
import type { NativeContext } from './nativeContext.ts';

export function nativeEvent(context: NativeContext): Event {
  const { functions } = context;
  context.enter();
  const handle = context.handle('cuEventCreate', (cell) => functions.cuEventCreate(cell, 0));
  let isAlive = true;
  return {
    handle,
    isDone() {
      context.enter();
      const status = functions.cuEventQuery(handle);
      if (status !== 0 && status !== notReadyStatus) context.fail(status, 'cuEventQuery');
      return status === 0;
    },
    since(earlier) {
      context.enter();
      const milliseconds = new Float32Array(1);
      const status = functions.cuEventElapsedTime(milliseconds, earlier.handle, handle);
      context.check(status, 'cuEventElapsedTime');
      return milliseconds[0] as number;
    },
    destroy() {
      if (!isAlive) return;
      isAlive = false;
      context.enter();
      context.check(functions.cuEventDestroy_v2(handle), 'cuEventDestroy');
    },
  };
}
