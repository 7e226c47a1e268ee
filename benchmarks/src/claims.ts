import { b1ChainBeatsOneLora } from './claims/b1ChainBeatsOneLora.ts';
import { b2RanksStepDown } from './claims/b2RanksStepDown.ts';
import { b3FindsPlantedRanks } from './claims/b3FindsPlantedRanks.ts';
import { b4EqualRanksStayEqual } from './claims/b4EqualRanksStayEqual.ts';
import { b5BudgetBelowDemand } from './claims/b5BudgetBelowDemand.ts';
import { b6FindsLayers } from './claims/b6FindsLayers.ts';
import { b7ChainOfAdalora } from './claims/b7ChainOfAdalora.ts';
import { b8ScoresCompared } from './claims/b8ScoresCompared.ts';
import { b9FactorsStayOrthogonal } from './claims/b9FactorsStayOrthogonal.ts';
import { c1ChainOnDigits } from './claims/c1ChainOnDigits.ts';
import { c2ShortLinksHurt } from './claims/c2ShortLinksHurt.ts';
import { c3AdaloraOnDigits } from './claims/c3AdaloraOnDigits.ts';
import { d1StepTime } from './claims/d1StepTime.ts';
import { d2StateBytes } from './claims/d2StateBytes.ts';
import { d3ChainMemory } from './claims/d3ChainMemory.ts';
import { d4StepDownBytes } from './claims/d4StepDownBytes.ts';
import { e1ChainsCanDiverge } from './claims/e1ChainsCanDiverge.ts';
import { learningRates } from './claims/learningRates.ts';
import type { Claim } from './report/claim.ts';

/** Every claim, in the order of docs/claims.md. */
export const claims: readonly Claim[] = [
  b1ChainBeatsOneLora,
  b2RanksStepDown,
  b3FindsPlantedRanks,
  b4EqualRanksStayEqual,
  b5BudgetBelowDemand,
  b6FindsLayers,
  b7ChainOfAdalora,
  b8ScoresCompared,
  b9FactorsStayOrthogonal,
  c1ChainOnDigits,
  c2ShortLinksHurt,
  c3AdaloraOnDigits,
  d1StepTime,
  d2StateBytes,
  d3ChainMemory,
  d4StepDownBytes,
  e1ChainsCanDiverge,
  learningRates,
];
