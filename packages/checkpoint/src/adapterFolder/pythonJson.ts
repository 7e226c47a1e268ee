import { compareCodePoints } from '../safetensors/compareCodePoints.ts';

/** JSON as Python's `json.dumps(value, indent=2, sort_keys=True)` writes it; the numbers of `floats` keep their point. */
export function pythonJson(value: unknown, floats: readonly string[]): string {
  return write(value, '', false);

  function write(item: unknown, indent: string, isFloat: boolean): string {
    if (typeof item === 'number') return pythonNumber(item, isFloat);
    if (typeof item !== 'object' || item === null) return ascii(JSON.stringify(item ?? null));
    const inner = `${indent}  `;
    const isList = Array.isArray(item);
    const lines = isList
      ? item.map((element) => write(element, inner, isFloat))
      : Object.entries(item)
          .sort(([left], [right]) => compareCodePoints(left, right))
          .map(([key, element]) => `${ascii(JSON.stringify(key))}: ${write(element, inner, floats.includes(key))}`);
    const [open, close] = isList ? '[]' : '{}';
    if (lines.length === 0) return `${open}${close}`;
    return `${open}\n${lines.map((line) => inner + line).join(',\n')}\n${indent}${close}`;
  }
}

// Both languages write the shortest digits that read back as the same number; they differ in when an exponent begins.
function pythonNumber(value: number, isFloat: boolean): string {
  if (Object.is(value, -0)) return '-0.0';
  if (Number.isInteger(value) && Math.abs(value) < 1e16) return isFloat ? `${value}.0` : String(value);
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 1e16) return String(value);
  const [digits, exponent] = value.toExponential().split('e') as [string, string];
  const power = exponent.slice(1).padStart(2, '0');
  return `${digits}e${exponent[0]}${power}`;
}

function ascii(json: string): string {
  return json.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
