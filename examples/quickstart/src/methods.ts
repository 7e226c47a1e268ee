import { adalora } from '@peft/adalora';
import { cola } from '@peft/cola';
import type { AnyStrategy, FineTuneOptions } from '@peft/core';
import { lora } from '@peft/lora';
import { restartOnly } from './restartOnly.ts';

/** One row of the table: what trains, and a sentence about it. */
export type Method = {
  readonly name: string;
  readonly about: string;
  readonly options: () => Pick<FineTuneOptions, 'strategy' | 'targets' | 'modulesToSave'>;
};

const links = 5;

// Every linear layer, the classifier too: its five outputs get new meanings.
const targets = ['query', 'key', 'value', 'dense', 'classifier'];

const adapted = (strategy: () => AnyStrategy) => () => ({ strategy: strategy(), targets });
const rankOne = () => lora({ rank: 1, alpha: 1 });

// AdaLoRA starts from small factors and needs the larger scale its authors use (alpha 16 to 32 over ranks 2 to 12).

/** The methods of the quickstart, in the order of the table. */
export const methods: readonly Method[] = [
  {
    name: 'full',
    about: 'full fine-tuning: every weight trains',
    options: () => ({ modulesToSave: ['vit', 'classifier'] }),
  },
  { name: 'lora-r1', about: 'LoRA of rank 1', options: adapted(rankOne) },
  { name: 'lora-r5', about: 'LoRA of rank 5', options: adapted(() => lora({ rank: 5, alpha: 5 })) },
  {
    name: 'adalora',
    about: 'AdaLoRA: from rank 8 to an average of 5, spread by importance',
    options: adapted(() => adalora({ initRank: 8, targetRank: 5, alpha: 32 })),
  },
  {
    name: 'cola',
    about: `Chain of LoRA: ${links} links of rank 1, each merged before the next`,
    options: adapted(() => cola(rankOne(), { links })),
  },
  {
    name: 'cola-adalora',
    about: `Chain of AdaLoRA: ${links} links, each from rank 2 to an average of 1`,
    options: adapted(() => cola(adalora({ initRank: 2, targetRank: 1, alpha: 16 }), { links })),
  },
  {
    name: 'restart-only',
    about: `control: LoRA of rank 1 whose optimizer and schedule restart ${links - 1} times, but nothing is merged`,
    options: adapted(() => restartOnly(rankOne(), links)),
  },
];
