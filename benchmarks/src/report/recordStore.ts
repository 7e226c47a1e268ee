import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Claim } from './claim.ts';
import { claimsMarkdown } from './claimsMarkdown.ts';
import type { ClaimRecord, Records } from './record.ts';

/** What is kept of the claims in a folder: claims.json, the page made from it, and pictures. */
export class RecordStore {
  readonly #folder: string;
  readonly #claims: readonly Claim[];

  constructor(folder: string, claims: readonly Claim[]) {
    this.#folder = folder;
    this.#claims = claims;
  }

  read(): Records {
    const file = join(this.#folder, 'claims.json');
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Records) : {};
  }

  /** Replaces one claim's record, reading the others afresh, and writes the page again. */
  save(id: string, record: ClaimRecord, pictures: Readonly<Record<string, string>> = {}): void {
    const all = { ...this.read(), [id]: record };
    const places = this.#claims.map((claim) => claim.id);
    // Records of claims that this version does not know stay, last.
    const place = (name: string) => (places.includes(name) ? places.indexOf(name) : places.length);
    const records: Records = Object.fromEntries(
      Object.entries(all).sort(([left], [right]) => place(left) - place(right)),
    );
    mkdirSync(this.#folder, { recursive: true });
    for (const [name, svg] of Object.entries(pictures)) this.#write(name, svg);
    this.#write('claims.json', `${JSON.stringify(records, null, 2)}\n`);
    this.#write('claims.md', claimsMarkdown(this.#claims, records));
  }

  #write(name: string, text: string): void {
    const path = join(this.#folder, name);
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  }
}
