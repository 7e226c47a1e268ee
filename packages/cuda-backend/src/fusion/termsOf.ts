import type { Term } from './term.ts';

/** All terms that lead to the roots, operands before what reads them. */
export function termsOf(roots: readonly Term[]): readonly Term[] {
  const terms = new Set<Term>();
  const visit = (term: Term) => {
    if (terms.has(term)) return;
    for (const operand of operandsOf(term)) visit(operand);
    terms.add(term);
  };
  roots.forEach(visit);
  return [...terms];
}

/** What a term is made of. */
export function operandsOf(term: Term): readonly Term[] {
  if (term.kind === 'computed') return term.operands;
  if (term.kind === 'reduced' || term.kind === 'rounded') return [term.of];
  return term.kind === 'mask' ? [term.place] : [];
}
