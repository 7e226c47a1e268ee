import { expect, test } from 'vitest';
import { countingClaim } from '../../test/countingClaim.ts';
import { claimOptions } from './claimOptions.ts';

const claims = ['B1', 'B3', 'learning-rates'].map((id) => countingClaim(id));
const idsOf = (args: readonly string[]) => claimOptions(args, claims).claims.map(({ id }) => id);

test('without options every claim runs with its own seeds', () => {
  expect(idsOf([])).toEqual(['B1', 'B3', 'learning-rates']);
  expect(claimOptions([], claims).seeds).toBeUndefined();
});

test('--only chooses in any case, in the order of the page', () => {
  expect(idsOf(['--only', 'Learning-Rates, b1'])).toEqual(['B1', 'learning-rates']);
  expect(claimOptions(['--only=b3', '--seeds', '2'], claims)).toMatchObject({ seeds: 2 });
});

test.each([
  [['--only', 'B1,B9'], '--only: there is no claim "b9"; choose from B1, B3, learning-rates.'],
  [['--seeds', '0'], '--seeds: "0" is not a whole number above 0.'],
  [
    ['--only', 'x', '--seeds', 'many'],
    '--only: there is no claim "x"; choose from B1, B3, learning-rates.\n--seeds: "many" is not a whole number above 0.',
  ],
])('%j is refused with everything that is wrong', (args, message) => {
  expect(() => claimOptions(args, claims)).toThrow(message);
});

test('an unknown option is refused', () => {
  expect(() => claimOptions(['--quick'], claims)).toThrow(
    /'--quick'.*Options are --only, --seeds, --list and --help\.$/s,
  );
});
