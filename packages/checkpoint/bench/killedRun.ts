import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { writeScriptRun } from '@peft/parity/scriptRun';
import { trainingDirectory } from '../src/index.ts';
import { type Death, deathPlaces } from './killedRun/places.ts';
import { recipes } from './killedRun/recipes.ts';
import { type Order, prepare, train } from './killedRun/train.ts';

/*
 * Kills training processes with SIGKILL until so many have died, at random places: in a step, an evaluation, before, amid
 * and after every file operation of a save, while a save is loaded and its merges replayed, and from outside at any
 * moment. The next process resumes; after every death the newest save must load and be no older than the last one
 * announced, and in the end every step's numbers, the final state and the result must equal those of a run that nobody
 * killed, bit for bit.
 *
 *   node ../../scripts/runSource.mjs bench/killedRun.ts [--kills 200] [--seed 1] [--chain 7] [--parallel 2] [--out FILE]
 *     [--engine ../onnx-backend/src/index.ts:onnxEngine]
 *
 * --chain repeats one chain of deaths of a seed; all but the deaths from outside fall at the same place again.
 */

const deathsPerChain = 8;
const problemsShown = 5;
/** From which save on a process can die there. */
const earliest: Readonly<Record<string, number>> = { load: 1, replay: 8 };

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    chain: { type: 'string' },
    parallel: { type: 'string', default: String(Math.min(2, cpus().length)) },
    out: { type: 'string' },
    engine: { type: 'string' },
    order: { type: 'string' },
  },
});

await prepare();
if (values.order) await train(JSON.parse(values.order) as Order);
else await killAndCompare();

type Ending = { readonly events: ReadonlyMap<string, string>; readonly end: unknown };

async function killAndCompare(): Promise<void> {
  const began = performance.now();
  const seed = Number(values.seed);
  const parent = await mkdtemp(join(tmpdir(), 'killed-run-'));
  console.log(`seed ${seed}`);
  const wholes = new Map<string, Ending>();
  for (const recipe of Object.keys(recipes)) {
    const folder = join(parent, `whole ${wholes.size}`);
    const { output, failure } = await runProcess({ recipe, folder });
    if (failure) throw new Error(`the run that nobody kills failed: ${failure}`);
    wholes.set(recipe, { events: eventsOf(output), end: await endOf(folder) });
  }
  const tally = new Map<string, number>();
  const problems: string[] = [];
  const totals = { kills: 0, chains: 0, unfinished: 0, leftAtEnd: 0, worst: 0, numbers: 0 };
  let next = 0;
  const wanted = Number(values.kills);
  const chainsOnce = values.chain === undefined ? undefined : Number(values.chain);
  const worker = async () => {
    while (chainsOnce === undefined ? totals.kills < wanted : next === 0) {
      const chain = chainsOnce ?? next;
      next++;
      const names = [...wholes.keys()];
      const recipe = names[chain % names.length] as string;
      const folder = join(parent, String(chain));
      const found = await runChain({ recipe, folder, seed, chain, whole: wholes.get(recipe) as Ending });
      for (const place of found.places) tally.set(place, (tally.get(place) ?? 0) + 1);
      totals.kills += found.places.length;
      totals.chains++;
      totals.unfinished += found.unfinished;
      totals.leftAtEnd += found.leftAtEnd;
      totals.numbers += found.numbers;
      totals.worst = Math.max(totals.worst, found.worst);
      problems.push(...found.problems.map((problem) => `chain ${chain} (${recipe}): ${problem}`));
      const verdict = found.problems.length === 0 ? 'bit-equal' : found.problems.join('; ');
      console.log(`chain ${chain}: ${recipe}; died at ${found.places.join(', ')}; ${verdict}`);
      await rm(folder, { recursive: true, force: true });
    }
  };
  await Promise.all(Array.from({ length: Number(values.parallel) }, worker));
  await rm(parent, { recursive: true, force: true });
  const places = Object.fromEntries([...tally].sort(([left], [right]) => (left < right ? -1 : 1)));
  console.table(places);
  console.log(
    `${totals.kills} kills in ${totals.chains} runs; ${totals.numbers} numbers compared, worst difference ${totals.worst}; ${totals.unfinished} unfinished saves seen after deaths, ${totals.leftAtEnd} left at the end; ${problems.length} problems`,
  );
  for (const problem of problems)
    console.log(`${problem}; repeat with --seed ${seed} --chain ${problem.split(' ')[1]}`);
  if (problems.length > 0) process.exitCode = 1;
  if (values.out) {
    const engine = values.engine ? ` --engine ${values.engine}` : '';
    writeScriptRun(values.out, {
      title: `Runs killed while they train${values.engine ? `, on ${values.engine.split(':').at(-1)}` : ''}`,
      command: `(cd packages/checkpoint && node ../../scripts/runSource.mjs bench/killedRun.ts --kills ${wanted} --seed ${seed}${engine})`,
      columns: ['killed at', 'times'],
      rows: Object.entries(places).map(([place, count]) => [place, String(count)]),
      notes: [
        `${totals.kills} kills of ${totals.chains} runs, each of which came to its end; ${totals.numbers} numbers compared with runs that nobody killed, worst difference ${totals.worst}, ${problems.length} problems.`,
        `${totals.unfinished} unfinished saves were seen after a death, ${totals.leftAtEnd} at the end; ${Math.round((performance.now() - began) / 1000)} s.`,
      ],
    });
  }
}

type Chain = { recipe: string; folder: string; seed: number; chain: number; whole: Ending };

/** Kills one run again and again, lets it come to its end at last, and compares. */
async function runChain({ recipe, folder, seed, chain, whole }: Chain) {
  const random = randomOf(seed * 7919 + chain);
  const places: string[] = [];
  const problems: string[] = [];
  let unfinished = 0;
  let leftAtEnd = 0;
  let numbers = 0;
  let announced = 0;
  let worst = 0;
  for (let isEnded = false; !isEnded; ) {
    const isDoomed = places.length < deathsPerChain;
    const isOutside = isDoomed && random() < 0.25;
    const death = isDoomed && !isOutside ? drawDeath(random, announced) : undefined;
    const killer = isOutside ? { line: 1 + Math.floor(random() * 40), delay: random() * 12 } : undefined;
    const { output, isKilled, failure } = await runProcess({ recipe, folder, ...(death && { death }) }, killer);
    if (failure) problems.push(failure);
    for (const [key, text] of eventsOf(output)) {
      const wanted = whole.events.get(key);
      numbers += text.match(/-?\d[\d.e+-]*/g)?.length ?? 0;
      if (text !== wanted) {
        problems.push(`${key} was ${text} and should be ${wanted}`);
        worst = Math.max(worst, differenceOf(text, wanted));
      }
    }
    const warned = /^warning (?!training runs on tfjs's plain).*$/m.exec(output)?.[0];
    if (warned) problems.push(warned);
    announced = Math.max(
      announced,
      ...[...output.matchAll(/"type":"save","step":(\d+)/g)].map(([, step]) => Number(step)),
    );
    isEnded = !isKilled;
    if (isKilled) {
      places.push(placeOf(output));
      unfinished += await hiddenIn(folder);
      const loaded = await trainingDirectory(join(folder, 'saves'))
        .load()
        .catch((error: Error) => error);
      if (loaded instanceof Error) problems.push(`after ${places.at(-1)} no save loads: ${loaded.message}`);
      else if ((loaded?.step ?? 0) < announced) problems.push(`the announced save of step ${announced} is lost`);
    } else if (!failure) {
      leftAtEnd += await hiddenIn(folder);
      const compared = compare(await endOf(folder), whole.end, 'end');
      numbers += compared.numbers;
      worst = Math.max(worst, compared.worst);
      problems.push(...compared.problems);
    }
    if (problems.length > 0) {
      problems.splice(problemsShown);
      break;
    }
  }
  return { places, problems, unfinished, leftAtEnd, numbers, worst };
}

/** A death that this process can come to: only a save can be loaded, and only one from after a knot is replayed. */
function drawDeath(random: () => number, announced: number): Death {
  const draw = (most: number) => 1 + Math.floor(random() * most);
  const possible = Object.entries(deathPlaces).filter(([place]) => announced >= (earliest[place] ?? 0));
  const [place, most] = possible[draw(possible.length) - 1] as [string, number];
  return { place, at: draw(most), when: (['before', 'amid', 'after'] as const)[draw(3) - 1] as Death['when'] };
}

/** The place a process says it dies at, or for a death from outside the phase it was in. */
function placeOf(output: string): string {
  const own = /^dying (.*)$/m.exec(output)?.[1];
  if (own) return own;
  const phase = [...output.matchAll(/^phase (.*)$/gm)].at(-1)?.[1];
  return phase === undefined ? 'outside, before it began' : `outside, ${phase}`;
}

/** What a run reported, by kind and step; starts and saves depend on where it resumed. */
function eventsOf(output: string): ReadonlyMap<string, string> {
  const events = new Map<string, string>();
  for (const [, text] of output.matchAll(/^event (\{.*\})$/gm)) {
    const { type, step } = JSON.parse(text as string) as { type: string; step: number };
    if (type === 'start' || type === 'save') continue;
    const key = `${type} ${step}`;
    events.set(key, `${events.get(key) ?? ''}${text}`);
  }
  return events;
}

async function endOf(folder: string): Promise<unknown> {
  return JSON.parse(await readFile(join(folder, 'end.json'), 'utf8'));
}

async function hiddenIn(folder: string): Promise<number> {
  const names = await readdir(join(folder, 'saves')).catch(() => []);
  return names.filter((name) => name.startsWith('.')).length;
}

/** Every number and text of two values, side by side. */
function compare(
  found: unknown,
  wanted: unknown,
  path: string,
): { numbers: number; worst: number; problems: string[] } {
  if (typeof found === 'object' && found !== null && typeof wanted === 'object' && wanted !== null) {
    const keys = [...new Set([...Object.keys(found), ...Object.keys(wanted)])];
    const parts = keys.map((key) =>
      compare((found as Record<string, unknown>)[key], (wanted as Record<string, unknown>)[key], `${path}/${key}`),
    );
    return {
      numbers: parts.reduce((sum, { numbers }) => sum + numbers, 0),
      worst: Math.max(0, ...parts.map(({ worst }) => worst)),
      problems: parts.flatMap(({ problems }) => problems),
    };
  }
  if (Object.is(found, wanted)) return { numbers: 1, worst: 0, problems: [] };
  const worst = typeof found === 'number' && typeof wanted === 'number' ? Math.abs(found - wanted) : Infinity;
  return { numbers: 1, worst, problems: [`${path} is ${found} and should be ${wanted}`] };
}

function differenceOf(text: string, wanted: string | undefined): number {
  const numbersIn = (said: string) => (said.match(/-?\d[\d.e+-]*/g) ?? []).map(Number);
  const others = numbersIn(wanted ?? '');
  const found = numbersIn(text);
  if (found.length !== others.length) return Number.POSITIVE_INFINITY;
  return Math.max(...found.map((value, index) => Math.abs(value - (others[index] as number))));
}

/** One process; killed from outside a moment after its n-th line where a killer says so. */
async function runProcess(order: Order, killer?: { readonly line: number; readonly delay: number }) {
  await mkdir(order.folder, { recursive: true });
  const [engine, maker] = values.engine?.split(/:(?=[^:]*$)/) ?? [];
  const whole = engine ? { ...order, engine: `${resolve(engine)}:${maker}` } : order;
  const child = spawn(process.execPath, [
    '../../scripts/runSource.mjs',
    'bench/killedRun.ts',
    '--order',
    JSON.stringify(whole),
  ]);
  let output = '';
  let errors = '';
  let isDoomed = killer === undefined;
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  child.stdout.on('data', (chunk) => {
    output += chunk;
    if (isDoomed || killer === undefined || output.split('\n').length <= killer.line) return;
    isDoomed = true;
    setTimeout(() => child.kill('SIGKILL'), killer.delay);
  });
  const [code, signal] = await new Promise<readonly [number | null, string | null]>((done) =>
    child.on('close', (...ending) => done(ending)),
  );
  const isKilled = signal === 'SIGKILL';
  const failure =
    isKilled || (code === 0 && /^end$/m.test(output)) ? undefined : `a process failed (${code}): ${errors.slice(-800)}`;
  return { output, isKilled, failure };
}

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
