import { hostArray, type StepFunction, Weights } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { timingsOf } from '../contest/timings.ts';
import type { Finding, Section, SectionCall } from './section.ts';

const mostMicroseconds = 20;
const [atOnce, turns] = [64, 30];

/** What a run costs the host: many runs of a step of a few microseconds, handed over one behind the other. */
export const timeHost: Section = {
  name: 'host',
  async *run({ engineOf, isSmall, log }: SectionCall): AsyncIterable<Finding> {
    await tf.setBackend('cpu');
    const step: StepFunction = ({ value }, { by }) => {
      const next = tf.add(value as tf.Tensor, by as tf.Tensor);
      return { state: { value: next }, metrics: { sum: tf.sum(next) as tf.Scalar } };
    };
    const program = await engineOf('float32').compile({ step }, new Weights([]));
    await program.bind({ value: tf.zeros([64]) });
    const inputs = { by: hostArray(new Float32Array(64).fill(0.5)) };
    const each = async () => {
      const began = performance.now();
      await Promise.all(Array.from({ length: atOnce }, () => program.run('step', inputs)));
      return (1000 * (performance.now() - began)) / atOnce;
    };
    for (let turn = 0; turn < 3; turn++) await each();
    const times: number[] = [];
    for (let turn = 0; turn < turns; turn++) times.push(await each());
    tf.dispose(Object.values(await program.release()) as tf.Tensor[]);
    program.dispose();
    const { medianMs: microseconds, spreadMs: spread } = timingsOf(times);
    log(`a run costs ${microseconds.toFixed(1)} microseconds, its few on the device included`);
    const passed = isSmall || microseconds <= mostMicroseconds;
    yield { name: 'microseconds of a run', passed, found: { microseconds, spread, target: mostMicroseconds } };
  },
};
