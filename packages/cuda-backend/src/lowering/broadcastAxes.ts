/** An axis of a result, and how far each operand moves along it: 0 repeats. */
export interface Axis {
  readonly length: number;
  readonly steps: readonly number[];
}

/** The axes of a shape over which operands of these shapes are broadcast, as few as say the same, outermost first. */
export function broadcastAxes(shape: readonly number[], operands: readonly (readonly number[])[]): readonly Axis[] {
  const steps = operands.map((operand) => stepsOf(operand, shape));
  return joined(shape.map((length, axis) => ({ length, steps: steps.map((each) => each[axis] as number) })));
}

/** Neighbouring axes become one where every operand moves through both evenly; axes of length 1 vanish. */
export function joined(axes: readonly Axis[]): readonly Axis[] {
  const result: Axis[] = [];
  for (const axis of axes.filter(({ length }) => length !== 1)) {
    const outer = result.at(-1);
    if (outer && axis.steps.every((step, operand) => outer.steps[operand] === step * axis.length)) {
      result[result.length - 1] = { length: outer.length * axis.length, steps: axis.steps };
    } else result.push(axis);
  }
  return result;
}

/** Numbers from neighbour to neighbour along each axis of `to`, in a dense tensor of shape `from` that is broadcast to it. */
function stepsOf(from: readonly number[], to: readonly number[]): readonly number[] {
  const steps = new Array<number>(to.length).fill(0);
  let step = 1;
  for (let axis = from.length - 1; axis >= 0; axis--) {
    const length = from[axis] as number;
    if (length !== 1) steps[axis + to.length - from.length] = step;
    step *= length;
  }
  return steps;
}
