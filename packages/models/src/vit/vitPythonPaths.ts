import { vitPaths } from './vitPaths.ts';

/** What transformers 5 calls in memory the modules whose paths differ from those of files. */
export function vitPythonPaths(layers: number): Readonly<Record<string, string>> {
  const renamed = Array.from({ length: layers }, (_, index) => {
    const { query, key, value, attentionOutput, ...layer } = vitPaths.layer(index);
    const python = `vit.layers.${index}`;
    return {
      [query]: `${python}.attention.q_proj`,
      [key]: `${python}.attention.k_proj`,
      [value]: `${python}.attention.v_proj`,
      [attentionOutput]: `${python}.attention.o_proj`,
      [layer.intermediate]: `${python}.mlp.fc1`,
      [layer.output]: `${python}.mlp.fc2`,
      [layer.normBefore]: `${python}.layernorm_before`,
      [layer.normAfter]: `${python}.layernorm_after`,
    };
  });
  return Object.assign({}, ...renamed);
}
