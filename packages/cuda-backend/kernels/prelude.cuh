// What every kernel file starts with. No header of CUDA's is read: the compiler is given this text, then the file.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef int i32;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;

// The upper half of a float32.
struct bf16 {
  u16 bits;
};

// Tags of storages; src/plan/storage.ts has the same.
enum Storage : i32 { storageF32 = 0, storageBf16 = 1, storageI32 = 2, storageU8 = 3 };

__device__ __forceinline__ float toFloat(float x) { return x; }

__device__ __forceinline__ float toFloat(bf16 x) { return __uint_as_float((u32)x.bits << 16); }

// To the nearest, ties to even; NaN stays NaN.
__device__ __forceinline__ bf16 toBf16(float x) {
  u32 bits = __float_as_uint(x);
  if (x != x) return bf16{(u16)((bits >> 16) | 0x40)};
  return bf16{(u16)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}

template <class T> __device__ __forceinline__ T fromFloat(float x);
template <> __device__ __forceinline__ float fromFloat<float>(float x) { return x; }
template <> __device__ __forceinline__ bf16 fromFloat<bf16>(float x) { return toBf16(x); }

// Number `index` of an operand, whatever its storage.
__device__ __forceinline__ float loadFloat(const void *data, i64 index, i32 storage) {
  if (storage == storageF32) return ((const float *)data)[index];
  if (storage == storageBf16) return toFloat(((const bf16 *)data)[index]);
  if (storage == storageI32) return (float)((const i32 *)data)[index];
  return (float)((const u8 *)data)[index];
}

__device__ __forceinline__ void storeFloat(void *data, i64 index, i32 storage, float value) {
  if (storage == storageF32) ((float *)data)[index] = value;
  else if (storage == storageBf16) ((bf16 *)data)[index] = toBf16(value);
  else if (storage == storageI32) ((i32 *)data)[index] = (i32)value;
  else ((u8 *)data)[index] = value != 0.0f;
}

__device__ __forceinline__ i32 loadInteger(const void *data, i64 index, i32 storage) {
  if (storage == storageI32) return ((const i32 *)data)[index];
  if (storage == storageU8) return ((const u8 *)data)[index];
  return (i32)loadFloat(data, index, storage);
}

__device__ __forceinline__ void storeInteger(void *data, i64 index, i32 storage, i32 value) {
  if (storage == storageI32) ((i32 *)data)[index] = value;
  else if (storage == storageU8) ((u8 *)data)[index] = value != 0;
  else storeFloat(data, index, storage, (float)value);
}

// Parameters of a launch that does the work of several: block i works for entry i / blocks of the table.
struct ManyParameters {
  const void *table;
  u32 blocks;
};

// Declares a kernel of one parameter struct and begins its body, in which `p` is the struct, `block` the number of this
// block and `blocks` how many there are. Beside `name` it makes `nameMany`, which runs equal launches as one. The body
// reads neither blockIdx nor gridDim.
#ifndef PEFT_HOST
#define PEFT_KERNEL(name, Parameters, mostThreads)                                                        \
  static __device__ __forceinline__ void name##Body(const Parameters &p, u32 block, u32 blocks);          \
  extern "C" __global__ void __launch_bounds__(mostThreads) name(const Parameters p) {                    \
    name##Body(p, blockIdx.x, gridDim.x);                                                                 \
  }                                                                                                       \
  extern "C" __global__ void __launch_bounds__(mostThreads) name##Many(const ManyParameters many) {       \
    const Parameters *table = (const Parameters *)many.table;                                             \
    name##Body(table[blockIdx.x / many.blocks], blockIdx.x % many.blocks, many.blocks);                   \
  }                                                                                                       \
  static __device__ __forceinline__ void name##Body(const Parameters &p, u32 block, u32 blocks)

// Dynamic shared memory of the launch, aligned to 16 bytes.
#define PEFT_DYNAMIC_SHARED(name) extern __shared__ __align__(16) unsigned char name[]
#endif

__device__ __forceinline__ float warpSum(float x) {
  for (int distance = 16; distance > 0; distance /= 2) x += __shfl_xor_sync(0xffffffffu, x, distance);
  return x;
}

__device__ __forceinline__ float warpMax(float x) {
  for (int distance = 16; distance > 0; distance /= 2) x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, distance));
  return x;
}

// The sum over all threads of a block, given to each; always in the same order. Every thread calls it.
__device__ __forceinline__ float blockSum(float x) {
  __shared__ float parts[32];
  const u32 warps = (blockDim.x + 31) / 32;
  x = warpSum(x);
  __syncthreads();
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = x;
  __syncthreads();
  float sum = 0.0f;
  for (u32 warp = 0; warp < warps; warp++) sum += parts[warp];
  return sum;
}

__device__ __forceinline__ float blockMax(float x) {
  __shared__ float parts[32];
  const u32 warps = (blockDim.x + 31) / 32;
  x = warpMax(x);
  __syncthreads();
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = x;
  __syncthreads();
  float most = parts[0];
  for (u32 warp = 1; warp < warps; warp++) most = fmaxf(most, parts[warp]);
  return most;
}
