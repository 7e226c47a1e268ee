/** What a page may use: threads need memory they can share, which browsers give to isolated pages alone. */
export interface PageThreads {
  readonly isIsolated: boolean;
  readonly processors: number;
}

/** ONNX Runtime's threads cooperate closely; its own authors stop at four in a browser. */
const usualLimit = 4;

/** The number of threads for this page, and what to say where it is fewer than it could be. */
export function threadsOfPage(
  { isIsolated, processors }: PageThreads,
  wanted = Math.max(1, Math.min(processors, usualLimit)),
): { readonly threads: number; readonly warning?: string } {
  if (isIsolated || wanted === 1) return { threads: wanted };
  const warning =
    'onnxEngine: steps run on one thread, as this page is not cross-origin isolated; serve it with the headers ' +
    `"Cross-Origin-Opener-Policy: same-origin" and "Cross-Origin-Embedder-Policy: require-corp" for ${wanted} threads.`;
  return { threads: 1, warning };
}

/** What this page or worker may use. */
export function pageThreads(): PageThreads {
  return {
    isIsolated: (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true,
    processors: globalThis.navigator?.hardwareConcurrency ?? 1,
  };
}
