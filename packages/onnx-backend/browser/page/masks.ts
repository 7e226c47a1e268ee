import { type Engine, Weights } from '@peft/core';
import { dropout } from '@peft/ops';
import { ones, type Tensor } from '@tensorflow/tfjs';

/** Elements on which the masks of two engines differ, over several keys, and the share that is dropped. */
export async function compareMasks(engine: Engine, reference: Engine, rate = 0.3) {
  const size = 4096;
  const step = (state: Readonly<Record<string, never>>, { key }: { readonly key?: unknown }) => ({
    state,
    metrics: {},
    outputs: { mask: dropout(ones([size]), rate, key as Tensor) },
  });
  const programs = [];
  for (const each of [engine, reference]) {
    const program = await each.compile({ mask: step as never }, new Weights([]));
    await program.bind({});
    programs.push(program);
  }
  let [different, dropped, elements] = [0, 0, 0];
  for (const words of [
    [0, 0],
    [-5, 7],
    [123456789, -2147483648],
  ]) {
    const key = { dtype: 'int32', shape: [2], data: Int32Array.from(words) } as const;
    const [mask, wanted] = await Promise.all(
      programs.map(async (program) => (await program.run('mask', { key })).outputs.mask?.data as Float32Array),
    );
    for (const [index, value] of (wanted as Float32Array).entries()) {
      elements++;
      if (value === 0) dropped++;
      if (!Object.is(mask?.[index], value)) different++;
    }
  }
  for (const program of programs) program.dispose();
  return { different, elements, share: dropped / elements };
}
