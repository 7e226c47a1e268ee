/** True for a name that stays in its folder on every system: no separator, drive, or dots alone. */
export function isPlainFileName(name: string): boolean {
  return /^[^/\\:\0]+$/.test(name) && !/^\.+$/.test(name);
}
