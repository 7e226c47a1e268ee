/**
 * Memory that a plan names before it has an address. Identity is the object.
 *
 * - arena: results of the plan; two regions share memory where their lives do not overlap
 * - weight: a frozen parameter, uploaded once and shared by all plans; `path` names it
 * - state: a leaf of the state, at one address for as long as its structure holds
 * - input: part of the block that is uploaded before every run
 * - constant: bytes of the plan itself, uploaded once
 * - result: part of the block that is downloaded after every run: metrics and outputs
 */
export interface Region {
  readonly kind: 'arena' | 'weight' | 'state' | 'input' | 'constant' | 'result';
  readonly bytes: number;
  /** What it holds, for errors and print-outs: the path, or the operation that writes it. */
  readonly label: string;
  /** Of a constant; the table of a launch of several has none, as it holds addresses. */
  readonly data?: Uint8Array;
}
