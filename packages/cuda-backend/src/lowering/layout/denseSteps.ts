/** Numbers from one place to the next along each axis of a dense tensor. */
export function denseSteps(shape: readonly number[]): readonly number[] {
  const steps = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    steps[axis] = step;
    step *= shape[axis] as number;
  }
  return steps;
}
