import {
  commonSubexpressions,
  flashAttention,
  groupProducts,
  type Pass,
  scalesIntoFactors,
  standardPasses,
} from '@peft/graph';

/** How a captured graph is rewritten for the device. Scales move while products are apart and equal values are one. */
export const cudaPasses: readonly Pass[] = [
  ...standardPasses.flatMap((pass) =>
    pass === groupProducts ? [commonSubexpressions, scalesIntoFactors, groupProducts] : [pass],
  ),
  flashAttention,
];
