import type { AdapterSet } from '@peft/adapters';
import { type HostArray, hostArray, toFloat32 } from '@peft/core';
import type { Tenant } from './tenant.ts';

/** What a stream of requests saw. */
export type Answers = {
  /** Milliseconds from asking to the answer, request by request. */
  readonly latencies: readonly number[];
  readonly failures: number;
};

/** Asks for a batch with an image of every tenant that is served, again and again, until stopped. */
export function askOverAndOver(served: AdapterSet, tenants: readonly Tenant[], pauseMs = 20) {
  const latencies: number[] = [];
  let failures = 0;
  let isStopped = false;
  const ask = async () => {
    for (let round = 0; !isStopped; round++) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      const known = tenants.filter(({ name }) => served.names.includes(name));
      if (known.length === 0) continue;
      const images = known.map(({ test }) => imageOf(test.pixelValues, round % (test.labels.shape[0] as number)));
      const began = performance.now();
      try {
        await served.predict({ pixelValues: stack(images) }, { rows: known.map(({ name }) => name) });
        latencies.push(performance.now() - began);
      } catch {
        failures++;
      }
    }
  };
  const asking = ask();
  return {
    async stop(): Promise<Answers> {
      isStopped = true;
      await asking;
      return { latencies, failures };
    },
  };
}

/** The share of a tenant's test images that are named rightly, by its adapter or the base alone. */
export async function accuracyOf(served: AdapterSet, { name, test }: Tenant, by: 'adapter' | 'base'): Promise<number> {
  const rows = Array<string | undefined>(test.labels.data.length).fill(by === 'base' ? undefined : name);
  return rightShare(await served.predict({ pixelValues: test.pixelValues }, { rows }), test.labels);
}

/** The same for all tenants at once, their images mixed in one batch. */
export async function mixedAccuracies(served: AdapterSet, tenants: readonly Tenant[]): Promise<readonly number[]> {
  const count = Math.min(...tenants.map(({ test }) => test.labels.data.length));
  const order = Array.from({ length: count }, (_, image) => tenants.map((tenant) => ({ tenant, image }))).flat();
  const images = order.map(({ tenant, image }) => imageOf(tenant.test.pixelValues, image));
  const logits = await served.predict({ pixelValues: stack(images) }, { rows: order.map(({ tenant }) => tenant.name) });
  const chosen = largestOf(logits);
  return tenants.map((tenant) => {
    const right = order.filter(
      (each, row) => each.tenant === tenant && tenant.test.labels.data[each.image] === chosen[row],
    );
    return right.length / count;
  });
}

function rightShare(logits: HostArray, labels: HostArray): number {
  const chosen = largestOf(logits);
  return chosen.filter((label, row) => label === labels.data[row]).length / chosen.length;
}

function largestOf({ shape: [rows = 0, classes = 0], ...logits }: HostArray): readonly number[] {
  const values = toFloat32({ ...logits, shape: [rows, classes] });
  return Array.from({ length: rows }, (_, row) => {
    const scores = [...values.subarray(row * classes, (row + 1) * classes)];
    return scores.indexOf(Math.max(...scores));
  });
}

function imageOf({ shape, data }: HostArray, index: number): Float32Array {
  const size = data.length / (shape[0] as number);
  return (data as Float32Array).subarray(index * size, (index + 1) * size);
}

function stack(images: readonly Float32Array[]): HostArray {
  const side = Math.sqrt(images[0]?.length ?? 0);
  return hostArray(Float32Array.from(images.flatMap((image) => [...image])), [images.length, 1, side, side]);
}
