import { baseConfig } from './baseConfig.ts';

type Part = { readonly images: number; readonly accuracy: number };

export type CardFigures = {
  readonly seed: number;
  readonly steps: number;
  readonly batchSize: number;
  readonly figures: Readonly<Record<'train' | 'validation' | 'test', Part>>;
};

/** The model card of the base, from the figures of the run that made it. */
export function baseCard({ seed, steps, batchSize, figures }: CardFigures): string {
  const { hidden_size: width, num_hidden_layers: layers, patch_size: patch, num_attention_heads: heads } = baseConfig;
  const rows = Object.entries(figures).map(
    ([part, { images, accuracy }]) => `| ${part} | ${images} | ${(100 * accuracy).toFixed(1)} % |`,
  );
  return `# A small vision transformer that knows the digits 0 to 4

${layers} layers of width ${width}, ${heads} heads, patches of ${patch}x${patch} on 8x8 pixels, five classes; \`config.json\` has the rest. Pixels are
ink / 8 - 1, so paper is -1 and the darkest ink is 1. It has never seen a 5, 6, 7, 8 or 9.

| digits 0 to 4 | images | accuracy |
|---|---|---|
${rows.join('\n')}

Made by \`pnpm --filter @peft-examples/quickstart pretrain\`: ${steps} steps of AdamW at batch ${batchSize}, seed ${seed}, on the UCI digits of
\`../data\` (CC BY 4.0, see there). transformers loads it: \`ViTForImageClassification.from_pretrained\`.
`;
}
