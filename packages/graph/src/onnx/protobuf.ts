const encoder = new TextEncoder();

/** A protobuf message in the making: fields in the order they are added. */
export class Message {
  readonly #parts: Uint8Array[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** A varint field; int64 as two's complement. */
  integer(field: number, value: number): this {
    return this.#push(varint(field * 8)).#push(varint(value));
  }

  float(field: number, value: number): this {
    return this.#push(varint(field * 8 + 5)).#push(new Uint8Array(Float32Array.of(value).buffer));
  }

  text(field: number, value: string): this {
    return this.bytes(field, encoder.encode(value));
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#push(varint(field * 8 + 2))
      .#push(varint(value.length))
      .#push(value);
  }

  message(field: number, value: Message): this {
    this.#push(varint(field * 8 + 2)).#push(varint(value.#size));
    for (const part of value.#parts) this.#push(part);
    return this;
  }

  /** Packed varints. */
  integers(field: number, values: readonly number[]): this {
    const packed = new Message();
    for (const value of values) packed.#push(varint(value));
    return this.message(field, packed);
  }

  encode(): Uint8Array {
    const result = new Uint8Array(this.#size);
    let at = 0;
    for (const part of this.#parts) {
      result.set(part, at);
      at += part.length;
    }
    return result;
  }

  #push(part: Uint8Array): this {
    this.#parts.push(part);
    this.#size += part.length;
    return this;
  }
}

function varint(value: number): Uint8Array {
  if (value >= 0 && value < 0x80) return Uint8Array.of(value);
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return Uint8Array.from(bytes);
}
