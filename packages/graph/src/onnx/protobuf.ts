const encoder = new TextEncoder();

/** Bytes from which a field is held by reference, so that weights are copied once, into the result. */
const large = 4096;

/** A protobuf message in the making: fields in the order they are added. */
export class Message {
  readonly #parts: Uint8Array[] = [];
  /** Bytes of #parts. */
  #done = 0;
  #tail = new Uint8Array(64);
  /** Bytes in use of #tail. */
  #used = 0;

  get size(): number {
    return this.#done + this.#used;
  }

  /** A varint field; int64 as two's complement. */
  integer(field: number, value: number): this {
    this.#varint(field * 8);
    this.#varint(value);
    return this;
  }

  float(field: number, value: number): this {
    this.#varint(field * 8 + 5);
    this.#copy(new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }

  text(field: number, value: string): this {
    for (let index = 0; index < value.length; index++) {
      if (value.charCodeAt(index) >= 0x80) return this.bytes(field, encoder.encode(value));
    }
    this.#varint(field * 8 + 2);
    this.#varint(value.length);
    const start = this.#grow(value.length);
    for (let index = 0; index < value.length; index++) this.#tail[start + index] = value.charCodeAt(index);
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#varint(field * 8 + 2);
    this.#varint(value.length);
    this.#append(value);
    return this;
  }

  message(field: number, value: Message): this {
    this.#varint(field * 8 + 2);
    this.#varint(value.size);
    for (const part of value.#parts) this.#append(part);
    this.#append(value.#tail.subarray(0, value.#used));
    return this;
  }

  /** Packed varints. */
  integers(field: number, values: readonly number[]): this {
    const packed = new Message();
    for (const value of values) packed.#varint(value);
    return this.message(field, packed);
  }

  encode(): Uint8Array {
    const result = new Uint8Array(this.size);
    let at = 0;
    for (const part of this.#parts) {
      result.set(part, at);
      at += part.length;
    }
    result.set(this.#tail.subarray(0, this.#used), at);
    return result;
  }

  #append(value: Uint8Array): void {
    if (value.length < large) {
      this.#copy(value);
      return;
    }
    this.#parts.push(this.#tail.slice(0, this.#used), value);
    this.#done += this.#used + value.length;
    this.#used = 0;
  }

  #copy(value: Uint8Array): void {
    const start = this.#grow(value.length);
    this.#tail.set(value, start);
  }

  /** Makes room for more bytes and returns where they begin. */
  #grow(count: number): number {
    const start = this.#used;
    this.#used += count;
    if (this.#used > this.#tail.length) {
      const wider = new Uint8Array(Math.max(this.#used, 2 * this.#tail.length));
      wider.set(this.#tail.subarray(0, start));
      this.#tail = wider;
    }
    return start;
  }

  #byte(value: number): void {
    const start = this.#grow(1);
    this.#tail[start] = value;
  }

  #varint(value: number): void {
    if (value >= 0 && value < 2 ** 31) {
      let rest = value;
      while (rest >= 0x80) {
        this.#byte((rest & 0x7f) | 0x80);
        rest >>>= 7;
      }
      this.#byte(rest);
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest >= 0x80n) {
      this.#byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.#byte(Number(rest));
  }
}
