// Numbers of one storage written as another.

struct ConvertParameters {
  const void *from;
  void *to;
  i64 count;
  i32 fromStorage;
  i32 toStorage;
};

// Eight numbers a thread: 16 bytes of bf16. Both ends are aligned to 16 bytes or the numbers go one by one.
PEFT_KERNEL(convert, ConvertParameters, 256) {
  const i64 thread = (i64)block * blockDim.x + threadIdx.x;
  const i64 stride = (i64)blocks * blockDim.x;
  i64 done = 0;
  const bool isAligned = (((u64)p.from | (u64)p.to) & 15) == 0;
  if (isAligned && p.fromStorage == storageF32 && p.toStorage == storageBf16) {
    const i64 groups = p.count / 8;
    for (i64 group = thread; group < groups; group += stride) {
      const float *from = (const float *)p.from + group * 8;
      const float4 low = *(const float4 *)from;
      const float4 high = *(const float4 *)(from + 4);
      const bf16 numbers[8] = {toBf16(low.x),  toBf16(low.y),  toBf16(low.z),  toBf16(low.w),
                               toBf16(high.x), toBf16(high.y), toBf16(high.z), toBf16(high.w)};
      uint4 packed;
      packed.x = (u32)numbers[0].bits | (u32)numbers[1].bits << 16;
      packed.y = (u32)numbers[2].bits | (u32)numbers[3].bits << 16;
      packed.z = (u32)numbers[4].bits | (u32)numbers[5].bits << 16;
      packed.w = (u32)numbers[6].bits | (u32)numbers[7].bits << 16;
      *(uint4 *)((bf16 *)p.to + group * 8) = packed;
    }
    done = groups * 8;
  }
  for (i64 index = done + thread; index < p.count; index += stride) {
    if (p.toStorage == storageI32 || p.fromStorage == storageI32 && p.toStorage == storageU8) {
      storeInteger(p.to, index, p.toStorage, loadInteger(p.from, index, p.fromStorage));
    } else {
      storeFloat(p.to, index, p.toStorage, loadFloat(p.from, index, p.fromStorage));
    }
  }
}
