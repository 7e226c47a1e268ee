import { isTorch, torchModes } from '../contest/contestants.ts';
import { waitForIdleMachine } from '../contest/idleMachine.ts';
import type { Peer } from '../contest/peer.ts';
import { ourPeer, rivalPeer } from '../contest/peers.ts';
import { takeTurns } from '../contest/takeTurns.ts';
import { type Timings, timingsOf } from '../contest/timings.ts';
import type { CountedProduct } from '../products/productsOf.ts';
import { fractionsOf, rooflineOf } from '../products/roofline.ts';
import type { Assignment } from './assignment.ts';
import type { StepOptions } from './stepOptions.ts';
import type { Circumstances, RivalFigures, StepRow } from './stepRow.ts';

/** Seconds that a process may take to get ready: random weights of a large model, and a first compile. */
const prepareSeconds = 900;
const stepSeconds = 300;

type Prepared = {
  readonly threads: number;
  /** Values it trains: the same on both sides, or they do not train the same adapter. */
  readonly trainable: number;
  readonly weights?: string;
  readonly firstStepMs: number;
  readonly versions?: Readonly<Record<string, string>>;
};
type Ready = { readonly name: string; readonly peer: Peer; readonly prepared: Prepared };

export type MeasureCall = StepOptions & {
  readonly circumstances: Circumstances;
  log(line: string): void;
};

/** Measures one step of an engine against its rivals, in turns, with the roofline of the same run. */
export async function measureStep(call: MeasureCall): Promise<StepRow> {
  const { assignment, engine, log } = call;
  const peers: Peer[] = [];
  const open = (peer: Peer) => {
    peers.push(peer);
    return peer;
  };
  try {
    await idle(call);
    const { products, fullFlops } = await countProducts(assignment);
    log(`${engine} prepares ${call.model}, ${assignment.method}, ${assignment.batch} x ${assignment.seq} tokens`);
    const ours = open(ourPeer(engine));
    const prepared = await ours.ask<Prepared>({ do: 'prepare', engine, assignment }, prepareSeconds);
    const { ready, failed } = await prepareRivals(call, open);
    const rates = open(ourPeer('rates'));
    await rates.ask({ do: 'prepareRates', engine, threads: assignment.threads, products }, prepareSeconds);
    await idle(call);
    const contestants: readonly Ready[] = [{ name: engine, peer: ours, prepared }, ...ready];
    for (const { peer } of contestants) await peer.ask({ do: 'resetPeak' }, stepSeconds);
    const best = products.map(() => Number.POSITIVE_INFINITY);
    const { times, disturbedRounds } = await takeTurns(
      [
        ...contestants.map(({ name, peer }) => ({ name, pid: peer.pid, turn: () => stepOf(peer) })),
        { name: 'products alone', pid: rates.pid, turn: () => ratesInto(best, rates, products) },
      ],
      { rounds: call.rounds, acceptsBusy: call.acceptsBusy, log },
    );
    const figures = new Map<string, Timings & { readonly peakBytes: number }>();
    for (const { name, peer } of contestants) {
      const { peakBytes } = await peer.ask<{ peakBytes: number }>({ do: 'peak' }, stepSeconds);
      figures.set(name, { ...timingsOf(times.get(name) as readonly number[]), peakBytes });
    }
    const own = figures.get(engine) as Timings & { readonly peakBytes: number };
    const { times: _, ...summary } = own;
    const timed = products.map((product, index) => ({ ...product, bestMs: best[index] as number }));
    const roofline = rooflineOf(timed);
    const { rooflineFraction, fastestRateFraction } = fractionsOf(roofline, own.medianMs);
    const { batch, seq, method, rank, dropout, targets, threads } = assignment;
    const rivals = ready.map(({ name, prepared: { threads: used, trainable } }) => {
      const rival = figures.get(name) as Timings & { readonly peakBytes: number };
      const note = noteOf(name, assignment, { trainable, ours: prepared.trainable });
      return [name, beside(own, rival, { threads: used, note })] as const;
    });
    const versions = Object.assign(
      {},
      call.circumstances.versions,
      ...contestants.map((each) => each.prepared.versions),
    );
    return {
      model: call.model,
      method,
      engine,
      batch,
      seq,
      rank,
      dropout,
      targets,
      threads,
      trainable: prepared.trainable,
      weights: prepared.weights ?? '',
      ...summary,
      tokensPerSecond: (1000 * batch * seq) / own.medianMs,
      rooflineFraction,
      roofline: { ...roofline, fastestRateFraction, skippedFlops: Math.max(0, fullFlops - roofline.flops) },
      against: Object.fromEntries(rivals),
      failed,
      firstStepMs: prepared.firstStepMs,
      rounds: call.rounds,
      disturbedRounds,
      acceptedBusy: call.acceptsBusy,
      circumstances: { ...call.circumstances, versions },
    };
  } finally {
    for (const peer of peers) await peer.close();
  }
}

async function idle({ acceptsBusy, idleTimeout, log }: MeasureCall): Promise<void> {
  if (!acceptsBusy) await waitForIdleMachine({ timeoutSeconds: idleTimeout, log });
}

/** In a process of its own, whose memory and weights are gone before anything is timed. */
async function countProducts(assignment: Assignment) {
  const peer = ourPeer('capture');
  try {
    type Counted = { readonly products: readonly CountedProduct[]; readonly fullFlops: number };
    return await peer.ask<Counted>({ do: 'products', assignment }, prepareSeconds);
  } finally {
    await peer.close();
  }
}

/** Every rival made ready, one after another; one that fails is left out and named. */
async function prepareRivals({ against, assignment, log }: MeasureCall, open: (peer: Peer) => Peer) {
  const ready: Ready[] = [];
  const failed: Record<string, string> = {};
  for (const name of against) {
    log(`${name} prepares`);
    try {
      const peer = open(rivalPeer(name));
      const who = isTorch(name) ? { mode: torchModes[name] } : { engine: name };
      const prepared = await peer.ask<Prepared>({ do: 'prepare', ...who, assignment }, prepareSeconds);
      ready.push({ name, peer, prepared });
    } catch (error) {
      const { message } = error as Error;
      failed[name] = message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
      log(`left out: ${message}`);
    }
  }
  return { ready, failed };
}

async function stepOf(peer: Peer): Promise<number> {
  const { ms, loss } = await peer.ask<{ ms: number; loss: number | null }>({ do: 'step' }, stepSeconds);
  if (loss === null || !Number.isFinite(loss)) throw new Error(`${peer.name}: the loss is not finite`);
  return ms;
}

/** One turn of every product; the best time of each so far is kept. Resolves to what they take in a whole step. */
async function ratesInto(best: number[], peer: Peer, products: readonly CountedProduct[]): Promise<number> {
  const { times } = await peer.ask<{ times: readonly number[] }>({ do: 'rates' }, stepSeconds);
  for (const [index, ms] of times.entries()) best[index] = Math.min(best[index] as number, ms);
  return products.reduce((sum, { count }, index) => sum + count * (times[index] as number), 0);
}

function beside(
  own: Timings & { readonly peakBytes: number },
  rival: Timings & { readonly peakBytes: number },
  more: { readonly threads: number; readonly note: string | undefined },
): RivalFigures {
  const { medianMs, bestMs, spreadMs, peakBytes } = rival;
  return {
    medianMs,
    bestMs,
    spreadMs,
    peakBytes,
    ratio: medianMs / own.medianMs,
    bestRatio: bestMs / own.bestMs,
    memoryRatio: own.peakBytes / peakBytes,
    threads: more.threads,
    ...(more.note && { note: more.note }),
  };
}

function noteOf(
  name: string,
  { method }: Assignment,
  { trainable, ours }: { readonly trainable: number; readonly ours: number },
): string | undefined {
  const link = method === 'cola' ? 'LoRA' : 'AdaLoRA';
  const notes = [
    Object.hasOwn(torchModes, name) &&
      method.startsWith('cola') &&
      `PEFT has no chains: its step is plain ${link}, the step of a link`,
    trainable !== ours && `it trains ${trainable} values, we train ${ours}`,
  ].filter((note) => note !== false);
  return notes.length > 0 ? notes.join('; ') : undefined;
}
