import { type AnyModel, mergeAdapter, type TrainedAdapter } from '@peft/core';
import type { LoraStrategy } from '@peft/lora';

/** The change that a LoRA adapter makes to a weight, in float64 from its stored factors; undefined where it has none. */
export function deltaIn({ adapter, targets, strategy }: TrainedAdapter, path: string) {
  const target = targets.find((each) => each.path === path);
  if (!target) return undefined;
  const factors = (strategy as unknown as LoraStrategy).factors?.(adapter as never, target);
  if (!factors) return undefined;
  const [a, b] = [factors.a.dataSync(), factors.b.dataSync()];
  const rank = factors.b.shape[0] ?? 0;
  const [height = 0, width = 0] = target.shape;
  const isTransposed = target.kind === 'transposed-dense';
  const columns = isTransposed ? height : width;
  return Float64Array.from({ length: height * width }, (_, at) => {
    const [row, column] = [Math.floor(at / width), at % width];
    const [i, j] = isTransposed ? [column, row] : [row, column];
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += (a[i * rank + k] as number) * (b[k * columns + j] as number);
    return sum;
  });
}

/** The merged weight minus the base's. */
export async function mergedDelta(model: AnyModel, adapter: TrainedAdapter, path: string) {
  const merged = await mergeAdapter(model, adapter);
  const before = model.weights.get(`${path}.weight`).data as Float32Array;
  const delta = Float64Array.from(
    merged.get(`${path}.weight`).data as Float32Array,
    (each, at) => each - (before[at] as number),
  );
  merged.dispose();
  return delta;
}
