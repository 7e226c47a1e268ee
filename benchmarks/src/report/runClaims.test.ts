import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { countingClaim } from '../../test/countingClaim.ts';
import type { Claim } from './claim.ts';
import { RecordStore } from './recordStore.ts';
import { runClaims } from './runClaims.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'claims-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const page = () => readFileSync(join(folder, 'claims.md'), 'utf8');
const sectionOf = (id: string) => page().split(`<a id="${id.toLowerCase()}"></a>`)[1]?.split('<a id=')[0];

async function measure(known: readonly Claim[], wanted: readonly Claim[], seeds?: number) {
  const lines: string[] = [];
  const hasPassed = await runClaims({
    claims: wanted,
    store: new RecordStore(folder, known),
    seeds,
    machine: 'a machine',
    command: 'npm run claims',
    date: '2026-01-02',
    log: (line) => lines.push(line),
  });
  return { hasPassed, lines };
}

test('every figure stands beside its threshold with its verdict, and how it was measured', async () => {
  const claims = [countingClaim('B1'), countingClaim('B2', { limit: 3 })];
  const { hasPassed, lines } = await measure(claims, claims);
  expect(hasPassed).toBe(false);
  expect(lines).toContain('  FAIL     B2.count  3  (below 3)');
  expect(lines).toContain('  reported B2.aside  7');
  expect(page()).toContain('| [B1](#b1) | Counting B1 | passed (1 of 1) |');
  expect(page()).toContain('| [B2](#b2) | Counting B2 | **failed** (B2.count) |');
  expect(sectionOf('B2')).toContain('| B2.count | seeds | 3 | below 3 | **fail** | 0.5 s |');
  expect(sectionOf('B2')).toContain('| B2.aside | nothing judged | 7 |  | reported | 0.3 s |');
  expect(sectionOf('B2')).toContain('A note of B2.');
  expect(sectionOf('B2')).toContain('![B2: Counting B2](claim-B2.svg)');
  expect(sectionOf('B1')).toMatch(
    /`npm run claims`, seeds 1 to 3, 2026-01-02, 0 s, a machine, load \d+\.\d at the start\./,
  );
  expect(readFileSync(join(folder, 'claim-B1.svg'), 'utf8')).toBe('<svg>3</svg>');
});

test('a partial run leaves the other sections as they are, byte by byte', async () => {
  const claims = [countingClaim('B1'), countingClaim('B2')];
  await measure(claims, claims);
  const before = sectionOf('B2');
  await measure(claims, claims.slice(0, 1), 2);
  expect(sectionOf('B2')).toBe(before);
  expect(sectionOf('B1')).toContain('seeds 1 to 2, **fewer than the 3 of the claim**');
  expect(page().indexOf('## B1')).toBeLessThan(page().indexOf('## B2'));
});

test('the page depends on the records alone', async () => {
  const claims = [countingClaim('B1'), countingClaim('B2')];
  await measure(claims, claims);
  const before = page();
  const store = new RecordStore(folder, claims);
  const record = store.read().B1;
  if (!record) throw new Error('no record');
  store.save('B1', record);
  expect(page()).toBe(before);
  expect(readdirSync(folder).sort()).toEqual(['claim-B1.svg', 'claim-B2.svg', 'claims.json', 'claims.md']);
});

test('a claim that was never measured says so, and an unknown record is kept', async () => {
  const [one, two] = [countingClaim('B1'), countingClaim('B2')];
  await measure([one, two], [two]);
  expect(page()).toContain('| [B1](#b1) | Counting B1 | not measured yet |');
  expect(sectionOf('B1')).toContain('Not measured yet.');
  await measure([one], [one]);
  expect(Object.keys(new RecordStore(folder, [one]).read())).toEqual(['B1', 'B2']);
});

test('a claim without draws takes no seeds from the command line', async () => {
  const claim = countingClaim('D2', { seeds: 0 });
  await measure([claim], [claim], 2);
  expect(sectionOf('D2')).toContain('| D2.count | seeds | 0 |');
  expect(sectionOf('D2')).toContain('no seeds, 2026-01-02');
});
