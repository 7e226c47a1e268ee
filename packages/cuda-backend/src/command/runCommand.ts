import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildTfjs } from '../tfjs/build/buildTfjs.ts';
import type { TfjsMachine } from '../tfjs/tfjsMachine.ts';
import { diagnosisOf, printDiagnosis } from './doctor.ts';
import { engineDoor } from './engineDoor.ts';
import { engineParts } from './engineParts.ts';
import { tfjsDoor } from './tfjsDoor.ts';

export const usage = `peft-cuda doctor [--json] [--addon tfjs_binding.node]
  Says for tfjsGpu() and cudaEngine() what is there, what is missing, and the command that mends it.
  Exit status 0 only if one of them computes on a GPU.

peft-cuda build-tfjs [--python python3 | --wheel tensorflow.whl [--wheel nvidia_….whl …]] [--out folder]
  Builds the addon of the installed @tensorflow/tfjs-node-gpu or tfjs-node against the TensorFlow of a Python, or of
  wheels, and tries it. Needs a C++ compiler and the headers of Node; TensorFlow of pip install 'tensorflow[and-cuda]'
  for a GPU. Without --out the package finds its addon itself; with it, tfjsGpu({ addon }) is given the path.
`;

const options = {
  json: { type: 'boolean' },
  addon: { type: 'string' },
  wheel: { type: 'string', multiple: true },
  python: { type: 'string' },
  out: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

const optionsOf: Readonly<Record<string, readonly (keyof typeof options)[]>> = {
  doctor: ['json', 'addon'],
  'build-tfjs': ['wheel', 'python', 'out'],
};

/** Where a command runs, and where its lines go. */
export interface CommandPlace {
  readonly openMachine: () => Promise<TfjsMachine>;
  readonly write: (text: string) => void;
  /** What of the engine is there. */
  readonly engine?: typeof engineParts;
}

/** Runs `peft-cuda` with these arguments; its exit status is the result. */
export async function runCommand(args: readonly string[], place: CommandPlace): Promise<number> {
  const { write } = place;
  try {
    const { command, values } = readArguments(args);
    if (command === undefined) {
      write(usage);
      return values.help ? 0 : 2;
    }
    return command === 'doctor' ? await doctor(values, place) : await build(values, place);
  } catch (error) {
    write((error as Error).message);
    return error instanceof WrongArguments ? 2 : 1;
  }
}

class WrongArguments extends Error {}

function readArguments(args: readonly string[]) {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    throw new WrongArguments(`peft-cuda: ${(error as Error).message}\n\n${usage}`);
  }
  const { positionals, values } = parsed;
  const [command, ...rest] = positionals;
  if (values.help || command === undefined) return { command: undefined, values };
  const known = optionsOf[command];
  if (!known || rest.length > 0) {
    throw new WrongArguments(`peft-cuda: there is no command "${positionals.join(' ')}"\n\n${usage}`);
  }
  const foreign = Object.keys(values).filter((name) => !known.some((each) => each === name));
  if (foreign.length > 0) {
    throw new WrongArguments(`peft-cuda ${command}: there is no option --${foreign.join(', --')}\n\n${usage}`);
  }
  if (values.wheel && values.python !== undefined) {
    throw new WrongArguments(`peft-cuda ${command}: give --wheel or --python, not both\n\n${usage}`);
  }
  return { command, values };
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options, allowPositionals: true });
}

type Values = ReturnType<typeof parse>['values'];

async function doctor(
  { json, addon }: Values,
  { openMachine, write, engine = engineParts }: CommandPlace,
): Promise<number> {
  const machine = await openMachine();
  // The loader finds by bare name whatever is loaded: TensorFlow's libraries come last.
  const ofEngine = engineDoor(await engine());
  const doors = [await tfjsDoor(machine, addon && resolve(addon)), ofEngine];
  const { nodeVersion, platform, arch } = machine;
  const diagnosis = diagnosisOf(doors, { node: nodeVersion, platform: `${platform} ${arch}` });
  write(json ? JSON.stringify(diagnosis, undefined, 2) : printDiagnosis(diagnosis));
  return diagnosis.works ? 0 : 1;
}

async function build({ wheel: wheels, python, out }: Values, { openMachine, write }: CommandPlace): Promise<number> {
  const { addon, tensorflow, usesGpu, said } = await buildTfjs(await openMachine(), {
    wheels,
    python,
    out,
    onProgress: write,
  });
  write(`built ${addon} for TensorFlow ${tensorflow}, which computes on the ${usesGpu ? 'GPU' : 'CPU'} here`);
  if (!usesGpu) write([...said, 'for the reason run: npx peft-cuda doctor'].join('\n'));
  if (out !== undefined) write(`use it by tfjsGpu({ addon: ${JSON.stringify(addon)} })`);
  return 0;
}
