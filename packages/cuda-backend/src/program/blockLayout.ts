/** Where the parts of a block of memory begin. */
export interface BlockLayout<Part> {
  readonly bytes: number;
  readonly offsets: ReadonlyMap<Part, number>;
}

/** Lays parts one after another, each at a multiple of `alignment` bytes; so is the whole. */
export function blockLayout<Part>(
  parts: Iterable<Part>,
  { bytesOf, alignment = 256 }: { readonly bytesOf: (part: Part) => number; readonly alignment?: number },
): BlockLayout<Part> {
  const offsets = new Map<Part, number>();
  let bytes = 0;
  for (const part of parts) {
    if (offsets.has(part)) continue;
    offsets.set(part, bytes);
    bytes = Math.ceil((bytes + bytesOf(part)) / alignment) * alignment;
  }
  return { bytes, offsets };
}
