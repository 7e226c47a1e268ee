import * as tf from '@tensorflow/tfjs';
import { GraphError } from '../graphError.ts';
import { atPlace } from './userPlace.ts';

/**
 * Makes `assign` of every live variable throw until the returned function is called, which also frees those made since:
 * tfjs frees the old value before any backend hears of it, so a capture could not undo it.
 */
export function guardVariables(): () => void {
  const variables = Object.values(tf.engine().registeredVariables);
  for (const variable of variables) {
    variable.assign = () => {
      throw new GraphError(
        'graph/variable',
        `capture: the variable "${variable.name}" is assigned${atPlace(new Error().stack, { directly: true })}, which a graph cannot do; ` +
          'take the old value as an input and return the new one.',
      );
    };
  }
  return () => {
    for (const variable of variables) Reflect.deleteProperty(variable, 'assign');
    const made = Object.values(tf.engine().registeredVariables).filter((variable) => !variables.includes(variable));
    for (const variable of made) variable.dispose();
  };
}
