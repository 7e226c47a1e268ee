/**
 * Python PEFT scales by lora_alpha / (init_r + 1e-5). These two turn a factor into the alpha that gives it there and
 * back; twelve digits, far beyond float32, take the rounding of the quotient away again.
 */
export const pythonScaling = {
  alphaFor: (scaling: number, initRank: number): number => digits(scaling * (initRank + 1e-5)),
  /** The alpha of this library, which divides by the rank itself. */
  alphaOf: (loraAlpha: number, initRank: number): number => digits((loraAlpha / (initRank + 1e-5)) * initRank),
};

function digits(value: number): number {
  return Number(value.toPrecision(12));
}
