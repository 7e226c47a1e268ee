import { CudaError } from '../../cudaError.ts';
import type { ExecutableGraph, Stream } from '../driver.ts';
import type { NativeContext } from './nativeContext.ts';
import { nativeGraph } from './nativeGraph.ts';
import type { PinnedBuffers } from './pinnedBuffers.ts';

// CU_STREAM_NON_BLOCKING: the stream does not wait for the one that other libraries use by default.
const nonBlocking = 1;
// CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: what other threads do meanwhile does not spoil the capture.
const ofThisThread = 1;

export function nativeStream(context: NativeContext, pinned: PinnedBuffers): Stream {
  const { functions, parameters } = context;
  context.enter();
  const handle = context.handle('cuStreamCreate', (cell) => functions.cuStreamCreate(cell, nonBlocking));
  let isOpen = true;
  let isCapturing = false;

  function endCapture(): bigint {
    isCapturing = false;
    return context.handle('cuStreamEndCapture', (cell) => functions.cuStreamEndCapture(handle, cell));
  }

  return {
    handle,
    upload(to, from) {
      pinned.require(from, 'upload');
      context.enter();
      const status = functions.cuMemcpyHtoDAsync_v2(to, from, from.byteLength, handle);
      if (status !== 0) context.fail(status, `cuMemcpyHtoDAsync of ${from.byteLength} bytes`);
    },
    download(to, from) {
      pinned.require(to, 'download');
      context.enter();
      const status = functions.cuMemcpyDtoHAsync_v2(to, from, to.byteLength, handle);
      if (status !== 0) context.fail(status, `cuMemcpyDtoHAsync of ${to.byteLength} bytes`);
    },
    copy(to, from, bytes) {
      context.enter();
      const status = functions.cuMemcpyDtoDAsync_v2(to, from, bytes, handle);
      if (status !== 0) context.fail(status, `cuMemcpyDtoDAsync of ${bytes} bytes`);
    },
    clear(address, bytes) {
      context.enter();
      const status = functions.cuMemsetD8Async(address, 0, bytes, handle);
      if (status !== 0) context.fail(status, `cuMemsetD8Async of ${bytes} bytes`);
    },
    launch(kernel, { blocks, threads, sharedBytes = 0, parameters: given }) {
      if (!isCapturing) context.enter();
      const table = parameters.put(given.bytes, kernel.name);
      const status = functions.cuLaunchKernel(
        kernel.handle,
        blocks,
        1,
        1,
        threads,
        1,
        1,
        sharedBytes,
        handle,
        table,
        null,
      );
      if (status === 0) return;
      const size = `${blocks} blocks of ${threads} threads, ${sharedBytes} bytes of shared memory`;
      context.fail(status, `cuLaunchKernel of ${kernel.name} (${size})`);
    },
    capture(work): ExecutableGraph {
      if (isCapturing) {
        throw new CudaError('cuda/internal', 'internal: a capture inside a capture; please report it.');
      }
      context.enter();
      context.check(functions.cuStreamBeginCapture_v2(handle, ofThisThread), 'cuStreamBeginCapture');
      isCapturing = true;
      try {
        work();
      } catch (error) {
        abandon(functions, () => endCapture());
        throw error;
      }
      return nativeGraph(context, endCapture(), handle);
    },
    launchGraph(graph) {
      context.enter();
      const status = functions.cuGraphLaunch(graph.handle, handle);
      if (status !== 0) context.fail(status, 'cuGraphLaunch');
    },
    record(event) {
      context.enter();
      const status = functions.cuEventRecord(event.handle, handle);
      if (status !== 0) context.fail(status, 'cuEventRecord');
    },
    synchronize() {
      context.enter();
      const status = functions.cuStreamSynchronize(handle);
      if (status !== 0) context.fail(status, 'cuStreamSynchronize');
    },
    close() {
      if (!isOpen) return;
      isOpen = false;
      context.enter();
      context.check(functions.cuStreamDestroy_v2(handle), 'cuStreamDestroy');
    },
  };
}

// The error of the work matters, not that its capture cannot be ended either.
function abandon({ cuGraphDestroy }: NativeContext['functions'], endCapture: () => bigint): void {
  try {
    const graph = endCapture();
    if (graph !== 0n) cuGraphDestroy(graph);
  } catch {}
}
