import { adalora } from '@peft/adalora';
import { cola } from '@peft/cola';
import type { AnyStrategy } from '@peft/core';
import { lora } from '@peft/lora';
import { digitColumns } from '@peft-examples/quickstart/src/digitColumns.ts';
import { type Digit, readDigits, side } from '@peft-examples/quickstart/src/digits.ts';
import { splitDigits } from '@peft-examples/quickstart/src/splitDigits.ts';

/** A file of the quickstart, whose base and data are used. Sources and the built file lie equally deep. */
export const quickstartFile = (path: string) => new URL(`../../quickstart/${path}`, import.meta.url);

/** A customer of the service: images of its own, and the method that suits it. */
export type Tenant = {
  readonly name: string;
  readonly about: string;
  readonly strategy: () => AnyStrategy;
  readonly train: Columns;
  readonly test: Columns;
};

export type Columns = ReturnType<typeof digitColumns>;

/** Three tenants whose images the model has never seen. */
export function readTenants(): readonly Tenant[] {
  const digits = readDigits(quickstartFile('data/digits.csv.gz'));
  const tenant = (from: number, turn: (digit: Digit) => Digit) => {
    const { train, test } = splitDigits(digits, { from, seed: 5 });
    return { train: digitColumns(train.map(turn), from), test: digitColumns(test.map(turn), from) };
  };
  return [
    {
      name: 'north',
      about: 'digits 5 to 9, LoRA',
      strategy: () => lora({ rank: 4, alpha: 8 }),
      ...tenant(5, (digit) => digit),
    },
    {
      name: 'mirror',
      about: 'digits 0 to 4 seen in a mirror, a chain of LoRA',
      strategy: () => cola(lora({ rank: 2, alpha: 4 }), { links: 3 }),
      ...tenant(0, mirrored),
    },
    {
      name: 'negative',
      about: 'digits 0 to 4, white on black, AdaLoRA',
      strategy: () => adalora({ initRank: 8, targetRank: 4, alpha: 32 }),
      ...tenant(0, inverted),
    },
  ];
}

function mirrored({ ink, digit }: Digit): Digit {
  const source = (pixel: number) => pixel - (pixel % side) + (side - 1 - (pixel % side));
  return { digit, ink: ink.map((_, pixel) => ink[source(pixel)] ?? 0) };
}

function inverted({ ink, digit }: Digit): Digit {
  return { digit, ink: ink.map((value) => 16 - value) };
}
