import { join } from 'node:path';
import { adaloraFileFormat } from '@peft/adalora';
import { adapterSet } from '@peft/adapters';
import { loadAdapter, saveAdapter } from '@peft/checkpoint';
import { type AnyModel, disposeAdapter, type Engine } from '@peft/core';
import { loraFileFormat } from '@peft/lora';
import { learn } from './learn.ts';
import { type Answers, accuracyOf, askOverAndOver, mixedAccuracies } from './requests.ts';
import type { Tenant } from './tenant.ts';

export type TenantResult = {
  readonly name: string;
  readonly about: string;
  /** Share of its test images that are named rightly: by the base, by its adapter, and within a mixed batch. */
  readonly base: number;
  readonly adapted: number;
  readonly mixed: number;
};

export type ServiceResult = { readonly tenants: readonly TenantResult[]; readonly answers: Answers };

export type ServiceOptions = {
  readonly model: AnyModel;
  readonly tenants: readonly Tenant[];
  readonly steps: number;
  /** Where adapters are kept, a folder of Python PEFT's for each tenant. */
  readonly folder: string;
  /** One engine answers while the other trains. */
  readonly engines: { readonly answer: Engine; readonly train: Engine };
  readonly say: (line: string) => void;
};

/** Learns for each tenant in turn while all that are known are answered, and puts each new adapter in as it is done. */
export async function serveTenants(options: ServiceOptions): Promise<ServiceResult> {
  const { model, tenants, steps, folder, engines, say } = options;
  const served = adapterSet(model, { engine: engines.answer });
  const requests = askOverAndOver(served, tenants);
  try {
    for (const tenant of tenants) {
      say(`learning for ${tenant.name}: ${tenant.about}`);
      const trained = await learn(model, tenant, { steps, engine: engines.train });
      await saveAdapter(trained, join(folder, tenant.name));
      await served.add(tenant.name, trained);
    }
    const [first] = tenants;
    if (first) {
      say(`learning longer for ${first.name}, and swapping its adapter while requests come in`);
      const better = await learn(model, first, { steps: 2 * steps, engine: engines.train });
      await saveAdapter(better, join(folder, first.name));
      disposeAdapter(better);
      const formats = [loraFileFormat, adaloraFileFormat];
      await served.swap(first.name, await loadAdapter(join(folder, first.name), model, { formats }));
    }
    const answers = await requests.stop();
    const mixed = await mixedAccuracies(served, tenants);
    const results: TenantResult[] = [];
    for (const [index, tenant] of tenants.entries()) {
      const { name, about } = tenant;
      const base = await accuracyOf(served, tenant, 'base');
      const adapted = await accuracyOf(served, tenant, 'adapter');
      results.push({ name, about, base, adapted, mixed: mixed[index] ?? 0 });
    }
    return { tenants: results, answers };
  } finally {
    await requests.stop();
    await served.dispose();
  }
}
