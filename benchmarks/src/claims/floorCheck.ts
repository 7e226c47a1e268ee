import { rangeSaid, said } from '../report/figures.ts';

/** Whether every residual is within 2 % or 0.001 of its floor. */
export function isAtFloor(residuals: readonly number[], floors: readonly number[]): boolean {
  return residuals.every((residual, index) => {
    const floor = floors[index] as number;
    return Math.abs(residual - floor) <= Math.max(0.02 * floor, 0.001);
  });
}

/** Residuals by link over seeds, `0.4461; 0.1471`. */
export function residualsSaid(bySeed: readonly (readonly number[])[]): string {
  const links = bySeed[0]?.length ?? 0;
  return Array.from({ length: links }, (_, link) => rangeSaid(bySeed.map((each) => each[link] as number))).join('; ');
}

/** `within 2 % or 0.001 of 0.4461; 0.1471`. */
export function floorsSaid(floors: readonly number[]): string {
  return `within 2 % or 0.001 of ${floors.map((floor) => said(floor)).join('; ')}`;
}
