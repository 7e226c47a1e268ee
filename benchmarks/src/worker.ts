// A process of ours in a contest: one JSON request a line on standard input, one JSON answer a line on standard output.
import '@tensorflow/tfjs-backend-wasm';
import { createInterface } from 'node:readline';
import { answerTo } from './worker/answerTo.ts';

// Whatever a library prints must not look like an answer.
console.log = console.error;
console.info = console.error;

for await (const line of createInterface({ input: process.stdin })) {
  let answer: unknown;
  try {
    answer = await answerTo(JSON.parse(line));
  } catch (error) {
    answer = { error: error instanceof Error ? error.message : String(error) };
    console.error(error);
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
