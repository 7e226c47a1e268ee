import type { AnyModel } from './model.ts';
import type { TrainedAdapter } from './trainedAdapter.ts';

/** What an adapter keeps of the base that it belongs to. */
export type BaseFacts = Pick<
  TrainedAdapter,
  'modules' | 'pythonPaths' | 'aliases' | 'outputHead' | 'inputEmbedding' | 'fingerprint'
>;

/** The facts of a base that whoever makes an adapter of it writes down. */
export function baseFacts({ targets, weights, pythonPaths, aliases, outputHead, inputEmbedding }: AnyModel): BaseFacts {
  return {
    modules: targets,
    pythonPaths,
    aliases,
    outputHead,
    inputEmbedding,
    fingerprint: weights.fingerprint(),
  };
}
