import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Claim } from './claim.ts';
import { claimsMarkdown } from './claimsMarkdown.ts';
import type { ClaimRecord, Records } from './record.ts';
import { replaceFile } from './replaceFile.ts';

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
    for (const [name, svg] of Object.entries(pictures)) replaceFile(join(this.#folder, name), svg);
    replaceFile(join(this.#folder, 'claims.json'), `${JSON.stringify(records, null, 2)}\n`);
    replaceFile(join(this.#folder, 'claims.md'), claimsMarkdown(this.#claims, records));
  }
}
