/** What a cubin says of a kernel that it holds. */
export interface CubinKernel {
  /** Bytes of its parameters. */
  readonly parameterBytes: number;
  /** Threads that a block of it may have. */
  readonly mostThreads: number;
}

const infoPrefix = '.nv.info.';
// EIATTR_CBANK_PARAM_SIZE, whose value is the two bytes in the place of a size, and EIATTR_MAX_THREADS, three numbers.
const parameterSize = 0x19;
const mostThreadsOf = 0x05;
const sizedFormat = 4;

/** The kernels of a cubin by name, read from its ELF sections; undefined for what is no cubin. */
export function cubinKernels(image: Uint8Array): ReadonlyMap<string, CubinKernel> | undefined {
  if (image[0] !== 0x7f || image[1] !== 0x45) return undefined;
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const table = Number(view.getBigUint64(0x28, true));
  const [entryBytes, count, namesIndex] = [0x3a, 0x3c, 0x3e].map((place) => view.getUint16(place, true)) as [
    number,
    number,
    number,
  ];
  const section = (index: number) => {
    const at = table + index * entryBytes;
    return {
      name: view.getUint32(at, true),
      offset: Number(view.getBigUint64(at + 0x18, true)),
      size: Number(view.getBigUint64(at + 0x20, true)),
    };
  };
  const names = section(namesIndex).offset;
  const kernels = new Map<string, CubinKernel>();
  for (let index = 0; index < count; index++) {
    const { name: nameAt, offset, size } = section(index);
    const start = names + nameAt;
    const name = new TextDecoder().decode(image.subarray(start, image.indexOf(0, start)));
    if (!name.startsWith(infoPrefix)) continue;
    let kernel: CubinKernel = { parameterBytes: 0, mostThreads: 1024 };
    for (let at = offset; at < offset + size; ) {
      const [format, attribute, value] = [view.getUint8(at), view.getUint8(at + 1), view.getUint16(at + 2, true)];
      if (attribute === parameterSize) kernel = { ...kernel, parameterBytes: value };
      if (attribute === mostThreadsOf) kernel = { ...kernel, mostThreads: view.getUint32(at + 4, true) };
      at += 4 + (format === sizedFormat ? value : 0);
    }
    kernels.set(name.slice(infoPrefix.length), kernel);
  }
  return kernels;
}
