import { median } from '../report/summary.ts';
import type { CompileTimes } from '../worker/compileTimes.ts';
import { measureCommand } from './measureCommand.ts';

const processes = 3;

export const compileCommand = measureCommand({
  id: 'compile',
  title: 'capture, passes and session of a step, the first time in a process',
  defaults: ['--model', 'bert-base'],
  async measure({ ask }) {
    const runs: CompileTimes[] = [];
    for (let index = 0; index < processes; index++) runs.push(await ask<CompileTimes>('compileTimes'));
    const of = (name: 'captureMs' | 'passesMs' | 'onnxMs' | 'sessionMs' | 'totalMs') =>
      median(runs.map((run) => run[name]));
    const parts = `capture ${of('captureMs').toFixed(0)}, passes ${of('passesMs').toFixed(0)}, ONNX ${of('onnxMs').toFixed(0)}, session ${of('sessionMs').toFixed(0)}`;
    return {
      value: of('totalMs') / 1000,
      said: `${(of('totalMs') / 1000).toFixed(2)} s (${parts} ms; median of ${processes} fresh processes, ${runs[0]?.nodes.captured} nodes captured, ${runs[0]?.nodes.rewritten} left)`,
      details: { runs },
    };
  },
});
