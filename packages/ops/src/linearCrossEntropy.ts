import * as tf from '@tensorflow/tfjs';
import { PeftError } from './error.ts';
import { matMul } from './matMul.ts';
import { type Composition, operation } from './operation.ts';
import { readLabels } from './readLabels.ts';

export interface LinearCrossEntropyOptions {
  /** Label of rows that count nothing; -100 unless given. */
  readonly ignore?: number;
  /** Rows whose logits are held at once; as many as make 16 million logits unless given. */
  readonly chunk?: number;
  /** Added to the logits, [classes]. */
  readonly bias?: tf.Tensor;
  /** Whether `weight` is [classes, size], as a tied embedding is, and not [size, classes]. */
  readonly transposeWeight?: boolean;
}

type Names = 'hidden' | 'weight' | 'labels' | 'bias';
type Attributes = { readonly ignore: number; readonly chunk: number; readonly transposeWeight: boolean };
type Head = Composition<Names, Attributes, tf.Tensor[]>;

/** Logits held at once by default: 64 MB of them, and of their softmax. */
const HELD = 2 ** 24;

const compose =
  (hasGradient: boolean): Head =>
  (inputs, attributes) => {
    const { hidden, labels } = inputs;
    const [rows, size] = hidden.shape as [number, number];
    const parts: tf.Tensor[][] = [];
    for (let start = 0; start < rows; start += attributes.chunk) {
      const count = Math.min(attributes.chunk, rows - start);
      const part = { ...inputs, hidden: hidden.slice([start, 0], [count, size]), labels: labels.slice(start, count) };
      parts.push(tf.tidy(() => ofChunk(part, attributes, hasGradient)));
    }
    const column = (index: number) => parts.map((part) => part[index] as tf.Tensor);
    return [tf.addN(column(0)), ...(hasGradient ? [tf.concat(column(1), 0)] : [])];
  };

const loss: Head = operation({ name: 'PeftLinearCrossEntropy', compose: compose(false) });

const lossAndGradient: Head = operation({
  name: 'PeftLinearCrossEntropyWithGradient',
  compose: compose(true),
  results: ['loss', 'dHidden'],
  gradient: {
    saves: ['dHidden'],
    of: (dy, { dHidden }) => ({ hidden: () => tf.mul(dHidden, dy) }),
  },
});

/**
 * softmaxCrossEntropy of `hidden` . `weight` + bias, a sum over counted rows, without ever holding all logits: chunk by
 * chunk of rows, with the gradient of `hidden` in the same pass where one is being taken.
 *
 * `hidden` [..., size], `weight` [size, classes], `labels` int32 [...]. The head is frozen: `weight` and `bias` have no
 * gradient, and tfjs says so when asked; train a head through `softmaxCrossEntropy(matMul(hidden, weight), labels)`.
 * @throws PeftError `ops/shape`, `ops/dtype`, `ops/chunk`
 */
// biome-ignore lint/complexity/useMaxParams: hidden, weight and labels are the operation.
export function linearCrossEntropy(
  hidden: tf.Tensor,
  weight: tf.Tensor,
  labels: tf.Tensor,
  options: LinearCrossEntropyOptions = {},
): tf.Scalar {
  check({ hidden, weight, labels }, options);
  const { ignore = -100, bias, transposeWeight = false } = options;
  const classes = weight.shape[transposeWeight ? 0 : 1] as number;
  const size = hidden.shape[hidden.rank - 1] as number;
  const rows = labels.size;
  const most = Math.min(rows, options.chunk ?? Math.max(1, Math.floor(HELD / classes)));
  // Chunks of one length: a short last one would multiply slowly.
  const chunk = Math.ceil(rows / Math.ceil(rows / most));
  const inputs = { hidden: hidden.reshape([rows, size]), weight, labels: labels.reshape([rows]) };
  const run = tf.engine().state.gradientDepth > 0 ? lossAndGradient : loss;
  // A kernel reads a missing bias as undefined; its key must be absent for the engine.
  const given = bias === undefined ? inputs : { ...inputs, bias };
  const [sum] = run(given as typeof inputs & { readonly bias: tf.Tensor }, { ignore, chunk, transposeWeight });
  return (sum as tf.Tensor).asScalar();
}

/** Sum of losses of some rows, and its gradient by them: softmax . weight' - weight'[label], which needs no [rows, classes] more. */
function ofChunk(
  { hidden, weight, labels, bias }: Readonly<Record<Names, tf.Tensor>>,
  { ignore, transposeWeight }: Attributes,
  hasGradient: boolean,
): tf.Tensor[] {
  const product = matMul(hidden, weight, false, transposeWeight);
  const logits = bias === undefined ? product : tf.add(product, bias);
  const [rows, classes] = logits.shape as [number, number];
  const { counted, known, position, safe } = readLabels(labels, classes, ignore);
  const shares = tf.softmax(logits);
  // The largest share is 1 / sum(exp(logits - highest)), never small.
  const partition = tf.sub(tf.max(logits, -1), tf.log(tf.max(shares, -1)));
  const losses = tf.sub(partition, tf.gather(logits.reshape([rows * classes]), position));
  const sum = tf.sum(tf.where(counted, losses, tf.where(known, tf.zerosLike(losses), tf.fill([rows], Number.NaN))));
  if (!hasGradient) return [sum];
  const expected = matMul(shares, weight, false, !transposeWeight);
  const own = transposeWeight ? tf.gather(weight, safe) : tf.transpose(tf.gather(weight, safe, 1));
  return [sum, tf.mul(tf.sub(expected, own), tf.cast(counted, 'float32').reshape([rows, 1]))];
}

function check(
  { hidden, weight, labels }: Readonly<Record<'hidden' | 'weight' | 'labels', tf.Tensor>>,
  { bias, chunk, transposeWeight = false }: LinearCrossEntropyOptions,
): void {
  if (labels.dtype !== 'int32') {
    throw new PeftError('ops/dtype', `linearCrossEntropy needs int32 labels, got ${labels.dtype}; cast them.`);
  }
  const [size, classes] = transposeWeight ? weight.shape.toReversed() : weight.shape;
  const leading = hidden.shape.slice(0, -1);
  const agree = hidden.rank >= 1 && weight.rank === 2 && hidden.shape.at(-1) === size;
  if (!agree || `${leading}` !== `${labels.shape}` || (bias !== undefined && `${bias.shape}` !== `${classes}`)) {
    const given = `weight [${weight.shape}]${transposeWeight ? ' transposed' : ''}, labels [${labels.shape}]`;
    throw new PeftError(
      'ops/shape',
      `linearCrossEntropy of hidden [${hidden.shape}], ${given}${bias === undefined ? '' : `, bias [${bias.shape}]`} ` +
        'does not fit: it takes [..., size], [size, classes], [...] and [classes].',
    );
  }
  if (chunk !== undefined && !(Number.isInteger(chunk) && chunk > 0)) {
    throw new PeftError(
      'ops/chunk',
      `linearCrossEntropy chunk ${chunk} is no number of rows; give a whole number from 1.`,
    );
  }
}
