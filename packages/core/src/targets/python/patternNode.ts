import type { CharacterSet } from './characterSet.ts';

/** What an expression means, whatever its spelling: what a `Matcher` runs. */
export type PatternNode =
  | { readonly kind: 'character'; readonly has: CharacterSet }
  | { readonly kind: 'literal'; readonly code: number }
  /** Holds or not between two characters; `position` counts code points. */
  | { readonly kind: 'place'; readonly holds: (codes: Codes, position: number) => boolean }
  | { readonly kind: 'sequence'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly branches: readonly PatternNode[] }
  | {
      readonly kind: 'repeat';
      readonly body: PatternNode;
      readonly least: number;
      readonly greatest: number;
      readonly isLazy: boolean;
    }
  /** Keeps the first way found and gives nothing back. */
  | { readonly kind: 'atomic'; readonly body: PatternNode }
  | {
      readonly kind: 'look';
      readonly body: PatternNode;
      /** How many code points before the position it begins: 0 for a look-ahead. */
      readonly behind: number;
      readonly isNegated: boolean;
    }
  | { readonly kind: 'group'; readonly body: PatternNode; readonly group: number }
  | { readonly kind: 'reference'; readonly group: number };

/** A text as code points. */
export type Codes = readonly number[];
