import { type Digit, mostInk, side } from '../digits.ts';

/** A digit as a small SVG picture. */
export function digitPicture({ ink, digit }: Digit): string {
  const pixels = ink.map((value, at) => {
    if (value === 0) return '';
    const [x, y] = [at % side, Math.floor(at / side)];
    return `<rect x="${x}" y="${y}" width="1.02" height="1.02" fill-opacity="${(value / mostInk).toFixed(3)}"/>`;
  });
  return `<svg class="digit" viewBox="0 0 ${side} ${side}" role="img" aria-label="a hand-written ${digit}">${pixels.join('')}</svg>`;
}
