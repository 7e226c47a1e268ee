import { b1ChainBeatsOneLora } from './claims/b1ChainBeatsOneLora.ts';
import { b2RanksStepDown } from './claims/b2RanksStepDown.ts';
import { b3FindsPlantedRanks } from './claims/b3FindsPlantedRanks.ts';
import { b4EqualRanksStayEqual } from './claims/b4EqualRanksStayEqual.ts';
import { b5BudgetBelowDemand } from './claims/b5BudgetBelowDemand.ts';
import { b7ChainOfAdalora } from './claims/b7ChainOfAdalora.ts';
import { c1ChainOnDigits } from './claims/c1ChainOnDigits.ts';
import { c2ShortLinksHurt } from './claims/c2ShortLinksHurt.ts';
import { c3AdaloraOnDigits } from './claims/c3AdaloraOnDigits.ts';
import type { Claim } from './report/claim.ts';

/** Every claim, in the order of docs/claims.md. */
export const claims: readonly Claim[] = [
  b1ChainBeatsOneLora,
  b2RanksStepDown,
  b3FindsPlantedRanks,
  b4EqualRanksStayEqual,
  b5BudgetBelowDemand,
  b7ChainOfAdalora,
  c1ChainOnDigits,
  c2ShortLinksHurt,
  c3AdaloraOnDigits,
];
