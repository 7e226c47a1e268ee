import { expect, it } from 'vitest';
import { wrappedOnce } from './wrappedOnce.ts';

const parameters = ['embed.norm', 'encoder.0.norm', 'encoder.1.norm', 'cls.transform.norm', 'cls.decoder'].flatMap(
  (path) => [`${path}.weight`, `${path}.bias`],
);

type Case = {
  readonly said: string;
  readonly listed: readonly string[] | null;
  readonly task?: string;
  readonly once: readonly string[] | null;
};

const outside = ['embed.norm', 'encoder.0.norm', 'encoder.1.norm'];
const cases: readonly Case[] = [
  {
    said: 'names of modules apart stay',
    listed: ['encoder.0', 'embed.norm', 'cls'],
    once: ['encoder.0', 'embed.norm', 'cls'],
  },
  { said: 'a name that is also within another is said in full', listed: ['norm', 'cls'], once: [...outside, 'cls'] },
  { said: 'in any order', listed: ['cls', 'norm'], once: ['cls', ...outside] },
  {
    said: 'one that is only within another goes',
    listed: ['transform', 'encoder.0', 'cls'],
    once: ['encoder.0', 'cls'],
  },
  { said: 'the same name twice stays once', listed: ['norm', 'norm'], once: ['norm'] },
  { said: 'a name that ends another without a dot counts', listed: ['orm', 'ls'], once: [...outside, 'ls'] },
  { said: 'none is none', listed: null, once: null },
];

it.each(cases)('$said', ({ listed, once }) => {
  expect(wrappedOnce({ r: 2, modules_to_save: listed }, parameters)).toEqual({ r: 2, modules_to_save: once });
});

it('what lies within the head of the task goes, since Python trains that whole anyway', () => {
  const head = ['classifier.dense.weight', 'classifier.out.weight', 'encoder.dense.weight'];
  const config = { task_type: 'SEQ_CLS', modules_to_save: ['dense'] };
  expect(wrappedOnce(config, head)).toEqual({ ...config, modules_to_save: ['encoder.dense'] });
  expect(wrappedOnce({ ...config, modules_to_save: ['out'] }, head)).toEqual({ ...config, modules_to_save: null });
});

it('a module whose full name ends that of one within it is refused', () => {
  const wrong = ['norm.0.norm.weight', 'norm.gain', 'head.weight'];
  expect(() => wrappedOnce({ modules_to_save: ['norm'] }, wrong)).toThrow(
    expect.objectContaining({
      code: 'checkpoint/modules-to-save',
      message:
        'Python PEFT would train these modules whole twice, within another module too, and then not load the folder; list modules of which none lies within another in modulesToSave, or write the merged model with mergeAdapter and saveModel:\n  "norm.0.norm" lies within "norm"',
    }),
  );
});
