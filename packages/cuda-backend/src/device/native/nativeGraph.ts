import type { ExecutableGraph } from '../driver.ts';
import type { NativeContext } from './nativeContext.ts';

/** Makes a captured graph ready to launch and destroys the captured one. */
export function nativeGraph(context: NativeContext, graph: bigint, stream: bigint): ExecutableGraph {
  const { functions } = context;
  try {
    const nodes = context.handle('cuGraphGetNodes', (cell) => functions.cuGraphGetNodes(graph, null, cell));
    const handle = context.handle('cuGraphInstantiateWithFlags', (cell) =>
      functions.cuGraphInstantiateWithFlags(cell, graph, 0),
    );
    let isAlive = true;
    const destroy = () => {
      if (!isAlive) return;
      isAlive = false;
      context.enter();
      context.check(functions.cuGraphExecDestroy(handle), 'cuGraphExecDestroy');
    };
    const status = functions.cuGraphUpload(handle, stream);
    if (status !== 0) {
      destroy();
      context.fail(status, 'cuGraphUpload');
    }
    return { handle, nodes: Number(nodes), destroy };
  } finally {
    functions.cuGraphDestroy(graph);
  }
}
