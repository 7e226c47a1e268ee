import { GraphError } from '../graphError.ts';
import { atPlace } from './userPlace.ts';

/**
 * Makes `Math.random`, which tfjs seeds its own draws with, throw until the returned function is called: what it gives
 * would be drawn once for ever, and eager runs would draw anew.
 */
export function guardRandom(): () => void {
  const { random } = Math;
  Math.random = () => {
    throw new GraphError(
      'graph/random',
      `capture: the function draws a random number${atPlace(new Error().stack, { directly: true })}, and every run would ` +
        'repeat the one draw. Use dropout of @peft/ops for a mask, pass what changes from run to run as an input, or give a seed.',
    );
  };
  return () => {
    Math.random = random;
  };
}
