const families: Readonly<Record<string, string>> = {
  bert: 'BERT',
  gpt2: 'GPT-2',
  llama: 'Llama',
  opt: 'OPT',
  vit: 'ViT',
};

/** What a fixture's family is called in tables. */
export function familyOf(fixture: string): string {
  const family = families[fixture.split('-')[0] as string];
  if (family === undefined) throw new Error(`the fixture ${fixture} is of no known family`);
  return family;
}
