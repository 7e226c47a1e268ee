import { expectTypeOf } from 'vitest';
import type fields from '../__fixtures__/configFields.json';
import type { adaloraFields } from './adaloraFields.ts';
import type { loraFields } from './loraFields.ts';

// A field that Python PEFT writes and the tables lack, or the other way round, does not compile.
expectTypeOf<keyof typeof loraFields>().toEqualTypeOf<keyof typeof fields.LORA>();
expectTypeOf<keyof typeof adaloraFields>().toEqualTypeOf<keyof typeof fields.ADALORA>();
