import type { TfjsMachine } from './tfjsMachine.ts';

/** What an addon does in a process of its own. */
export type AddonProbe =
  | {
      /** Version of TensorFlow's library. */
      readonly tensorflow: string;
      readonly usesGpu: boolean;
      /** Lines of TensorFlow's log that tell of libraries and devices. */
      readonly said: readonly string[];
    }
  | { readonly failure: string };

// [[1, 2], [3, 4]] by itself, through the addon alone.
const script = `
const addon = require(process.argv[1]);
const flag = (name) => ({ name, type: addon.TF_ATTR_BOOL, value: false });
const a = addon.createTensor([2, 2], addon.TF_FLOAT, Float32Array.of(1, 2, 3, 4));
const type = { name: 'T', type: addon.TF_ATTR_TYPE, value: addon.TF_FLOAT };
const [product] = addon.executeOp('MatMul', [flag('transpose_a'), flag('transpose_b'), type], [a, a], 1);
const values = [...addon.tensorDataSync(product.id)];
console.log(JSON.stringify({ tensorflow: addon.TF_Version, usesGpu: addon.isUsingGpuDevice(), values }));
`;

/** Loads an addon in a fresh process and multiplies two matrices with it. */
export async function probeAddon({ run, nodePath }: TfjsMachine, addon: string): Promise<AddonProbe> {
  const { status, output, errors } = await run(nodePath, {
    args: ['-e', script, addon],
    environment: { TF_CPP_MIN_LOG_LEVEL: '0', TF_FORCE_GPU_ALLOW_GROWTH: 'true' },
  });
  if (status !== 0) {
    const reason = errors.match(/^\w*Error: (.*)$/m)?.[1] ?? errors.trim().split('\n').at(-1);
    return { failure: reason || `the process ends with status ${status}` };
  }
  const { tensorflow, usesGpu, values } = JSON.parse(output.trim().split('\n').at(-1) as string) as ProbeOutput;
  if (`${values}` !== '7,10,15,22') return { failure: `[[1, 2], [3, 4]] squared is [${values}]` };
  const said = errors.split('\n').filter((line) => ofInterest.test(line));
  return { tensorflow, usesGpu, said: said.map((line) => line.replace(/^[^\]]*\] /, '')) };
}

interface ProbeOutput {
  readonly tensorflow: string;
  readonly usesGpu: boolean;
  readonly values: readonly number[];
}

const ofInterest = /dlopen|dynamic library|GPU|CUDA|cuda|NVIDIA|cuInit/;
