// What file systems allow.
const longestName = 255;

/** True for a name that stays in its folder on every system: no separator, drive, control character, or dots alone. */
export function isPlainFileName(name: string): boolean {
  return name.length <= longestName && /^[^/\\:\p{C}]+$/u.test(name) && !/^\.+$/.test(name);
}
