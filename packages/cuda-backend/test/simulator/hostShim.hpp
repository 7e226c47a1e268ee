// What CUDA C++ gives a kernel beyond C++, for g++: a text is this file, then the prelude and the kernels inside one
// unnamed namespace, then PEFT_HOST_EXPORTS. Only what NVRTC knows without headers is here, so that a kernel that
// compiles here has a chance there; blockIdx and gridDim are missing because bodies of kernels must not read them.
#pragma once

#define PEFT_HOST 1
#ifdef __SANITIZE_THREAD__
#define PEFT_WATCHED 1
#else
#define PEFT_WATCHED 0
#endif
#define __device__
#define __host__
#define __global__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __constant__ static
// One section holds all static shared memory of a library, so that it can be filled before every block.
#define __shared__ static __attribute__((section("peft_shared")))
#define __builtin_assume(condition) ((void)0)

struct PeftIndex {
  unsigned x, y, z;
};
typedef void (*PeftBody)(const void *parameters, unsigned block, unsigned blocks);

// A kernel as its library lists it.
struct PeftKernelEntry {
  const char *name;
  PeftBody body;
  unsigned mostThreads;
  unsigned parameterBytes;
  const PeftKernelEntry *next;
};

enum PeftWarpOperation : unsigned {
  peftWarpSync,
  peftShuffle,
  peftShuffleUp,
  peftShuffleDown,
  peftShuffleXor,
  peftBallot,
  peftMatch,
  peftSum,
  peftLeast,
  peftMost,
  peftAnd,
  peftOr,
  peftRecords
};

extern "C" {
extern PeftIndex threadIdx;
extern PeftIndex blockDim;
extern unsigned char *peftDynamicShared;
void peftSyncThreads(unsigned operation, unsigned predicate, unsigned *result);
unsigned long long peftWarp(unsigned operation, unsigned mask, unsigned long long value, unsigned argument);
const void *peftWarpRecords(const void *mine, unsigned bytes);
void peftTrap(const char *what);
int peftRun(const PeftKernelEntry *kernels, const char *name, unsigned blocks, unsigned threads, unsigned sharedBytes,
            const void *parameters, unsigned char *staticShared, unsigned long long staticSharedBytes, int isWatched);
void peftFence();
// Of an asynchronous copy that begins: from now on it may write there, whenever it is made on the host.
void peftBeginWrite(const void *to, unsigned bytes);

float acosf(float) noexcept;
float acoshf(float) noexcept;
float asinf(float) noexcept;
float asinhf(float) noexcept;
float atanf(float) noexcept;
float atan2f(float, float) noexcept;
float atanhf(float) noexcept;
float cbrtf(float) noexcept;
float ceilf(float) noexcept;
float copysignf(float, float) noexcept;
float cosf(float) noexcept;
float coshf(float) noexcept;
float erff(float) noexcept;
float erfcf(float) noexcept;
float expf(float) noexcept;
float exp2f(float) noexcept;
float expm1f(float) noexcept;
float fabsf(float) noexcept;
float fdimf(float, float) noexcept;
float floorf(float) noexcept;
float fmaf(float, float, float) noexcept;
float fmaxf(float, float) noexcept;
float fminf(float, float) noexcept;
float fmodf(float, float) noexcept;
float hypotf(float, float) noexcept;
float ldexpf(float, int) noexcept;
float logf(float) noexcept;
float log10f(float) noexcept;
float log1pf(float) noexcept;
float log2f(float) noexcept;
float nearbyintf(float) noexcept;
float powf(float, float) noexcept;
float remainderf(float, float) noexcept;
float rintf(float) noexcept;
float roundf(float) noexcept;
float sinf(float) noexcept;
float sinhf(float) noexcept;
float sqrtf(float) noexcept;
float tanf(float) noexcept;
float tanhf(float) noexcept;
float truncf(float) noexcept;
double exp(double) noexcept;
double fabs(double) noexcept;
double floor(double) noexcept;
double fma(double, double, double) noexcept;
double log(double) noexcept;
double pow(double, double) noexcept;
double sqrt(double) noexcept;
int abs(int) noexcept;
void *memcpy(void *, const void *, unsigned long) noexcept;
void *memset(void *, int, unsigned long) noexcept;
}

namespace {

struct __align__(8) float2 { float x, y; };
struct float3 { float x, y, z; };
struct __align__(16) float4 { float x, y, z, w; };
struct __align__(8) int2 { int x, y; };
struct __align__(16) int4 { int x, y, z, w; };
struct __align__(8) uint2 { unsigned x, y; };
struct uint3 { unsigned x, y, z; };
struct __align__(16) uint4 { unsigned x, y, z, w; };
struct __align__(4) ushort2 { unsigned short x, y; };
struct __align__(8) ushort4 { unsigned short x, y, z, w; };
struct __align__(4) uchar4 { unsigned char x, y, z, w; };
struct __align__(16) longlong2 { long long x, y; };
struct __align__(16) ulonglong2 { unsigned long long x, y; };
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float3 make_float3(float x, float y, float z) { return {x, y, z}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline int2 make_int2(int x, int y) { return {x, y}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
inline ushort2 make_ushort2(unsigned short x, unsigned short y) { return {x, y}; }
inline ushort4 make_ushort4(unsigned short x, unsigned short y, unsigned short z, unsigned short w) {
  return {x, y, z, w};
}
inline uchar4 make_uchar4(unsigned char x, unsigned char y, unsigned char z, unsigned char w) { return {x, y, z, w}; }
inline longlong2 make_longlong2(long long x, long long y) { return {x, y}; }

const int warpSize = 32;

template <class To, class From> inline To peftBits(From from) {
  static_assert(sizeof(To) == sizeof(From), "bits of one size");
  To to;
  __builtin_memcpy(&to, &from, sizeof to);
  return to;
}
inline unsigned __float_as_uint(float x) { return peftBits<unsigned>(x); }
inline int __float_as_int(float x) { return peftBits<int>(x); }
inline float __uint_as_float(unsigned x) { return peftBits<float>(x); }
inline float __int_as_float(int x) { return peftBits<float>(x); }
inline long long __double_as_longlong(double x) { return peftBits<long long>(x); }
inline double __longlong_as_double(long long x) { return peftBits<double>(x); }

inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline float __expf(float x) { return expf(x); }
inline float __exp10f(float x) { return powf(10.0f, x); }
inline float __logf(float x) { return logf(x); }
inline float __log2f(float x) { return log2f(x); }
inline float __log10f(float x) { return log10f(x); }
inline float __powf(float x, float y) { return powf(x, y); }
inline float __sinf(float x) { return sinf(x); }
inline float __cosf(float x) { return cosf(x); }
inline float __tanf(float x) { return tanf(x); }
inline void sincosf(float x, float *sine, float *cosine) { *sine = sinf(x), *cosine = cosf(x); }
inline void __sincosf(float x, float *sine, float *cosine) { sincosf(x, sine, cosine); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __saturatef(float x) { return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f; }
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fsub_rn(float x, float y) { return x - y; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline float __fdiv_rn(float x, float y) { return x / y; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline float __frsqrt_rn(float x) { return (float)(1.0 / sqrt((double)x)); }
inline float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }
inline double __dadd_rn(double x, double y) { return x + y; }
inline double __dmul_rn(double x, double y) { return x * y; }
inline bool isnan(float x) { return x != x; }
inline bool isinf(float x) { return __builtin_isinf(x); }
inline bool isfinite(float x) { return __builtin_isfinite(x); }
inline bool signbit(float x) { return __builtin_signbit(x); }

// Conversions saturate on the device and are undefined in C++ outside the range.
template <class To> inline To peftSaturated(double x, double least, double beyond) {
  if (x != x) return 0;
  return x < least ? (To)least : x >= beyond ? (To)(beyond - 1) : (To)x;
}
inline int __float2int_rz(float x) { return peftSaturated<int>(x, -2147483648.0, 2147483648.0); }
inline int __float2int_rn(float x) { return __float2int_rz(rintf(x)); }
inline int __float2int_rd(float x) { return __float2int_rz(floorf(x)); }
inline int __float2int_ru(float x) { return __float2int_rz(ceilf(x)); }
inline unsigned __float2uint_rz(float x) { return peftSaturated<unsigned>(x, 0.0, 4294967296.0); }
inline unsigned __float2uint_rn(float x) { return __float2uint_rz(rintf(x)); }
inline float __int2float_rn(int x) { return (float)x; }
inline float __uint2float_rn(unsigned x) { return (float)x; }
inline float __ll2float_rn(long long x) { return (float)x; }
inline float __double2float_rn(double x) { return (float)x; }

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz((unsigned)x); }
inline int __clzll(long long x) { return x == 0 ? 64 : __builtin_clzll((unsigned long long)x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline unsigned __brev(unsigned x) {
  unsigned reversed = 0;
  for (int bit = 0; bit < 32; bit++) reversed |= ((x >> bit) & 1u) << (31 - bit);
  return reversed;
}
inline unsigned __umulhi(unsigned x, unsigned y) { return (unsigned)(((unsigned long long)x * y) >> 32); }
inline int __mulhi(int x, int y) { return (int)(((long long)x * y) >> 32); }
inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
  return (unsigned long long)(((unsigned __int128)x * y) >> 64);
}
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned by) {
  return (unsigned)(((((unsigned long long)high << 32) | low) << (by & 31)) >> 32);
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned by) {
  return (unsigned)((((unsigned long long)high << 32) | low) >> (by & 31));
}
inline unsigned __byte_perm(unsigned x, unsigned y, unsigned selector) {
  const unsigned long long bytes = ((unsigned long long)y << 32) | x;
  unsigned result = 0;
  for (int place = 0; place < 4; place++) {
    const unsigned chosen = (selector >> (4 * place)) & 0xf;
    unsigned byte = (unsigned)(bytes >> (8 * (chosen & 7))) & 0xff;
    if (chosen & 8) byte = byte & 0x80 ? 0xff : 0;
    result |= byte << (8 * place);
  }
  return result;
}

#define PEFT_LEAST_AND_MOST(T)                         \
  inline T min(T x, T y) { return x < y ? x : y; }     \
  inline T max(T x, T y) { return x < y ? y : x; }
PEFT_LEAST_AND_MOST(int)
PEFT_LEAST_AND_MOST(unsigned)
PEFT_LEAST_AND_MOST(long)
PEFT_LEAST_AND_MOST(unsigned long)
PEFT_LEAST_AND_MOST(long long)
PEFT_LEAST_AND_MOST(unsigned long long)
inline float min(float x, float y) { return fminf(x, y); }
inline float max(float x, float y) { return fmaxf(x, y); }

template <class T> inline T __ldg(const T *address) { return *address; }
template <class T> inline T __ldcs(const T *address) { return *address; }
template <class T> inline T __ldcg(const T *address) { return *address; }
template <class T> inline void __stcs(T *address, T value) { *address = value; }
template <class T> inline void __stcg(T *address, T value) { *address = value; }

inline void __threadfence() { peftFence(); }
inline void __threadfence_block() {}
inline void __trap() { peftTrap("__trap()"); }

inline void __syncthreads() {
  unsigned ignored;
  peftSyncThreads(0, 0, &ignored);
}
inline int __syncthreads_count(int predicate) {
  unsigned count;
  peftSyncThreads(1, predicate != 0, &count);
  return (int)count;
}
inline int __syncthreads_or(int predicate) { return __syncthreads_count(predicate) > 0; }
inline int __syncthreads_and(int predicate) { return __syncthreads_count(!predicate) == 0; }

inline void __syncwarp(unsigned mask = 0xffffffffu) { peftWarp(peftWarpSync, mask, 0, 0); }
inline unsigned __ballot_sync(unsigned mask, int predicate) {
  return (unsigned)peftWarp(peftBallot, mask, predicate != 0, 0);
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, !predicate) == 0; }
inline unsigned __match_any_sync(unsigned mask, unsigned value) { return (unsigned)peftWarp(peftMatch, mask, value, 0); }
inline unsigned __match_any_sync(unsigned mask, int value) { return __match_any_sync(mask, (unsigned)value); }
inline unsigned __match_any_sync(unsigned mask, unsigned long long value) {
  return (unsigned)peftWarp(peftMatch, mask, value, 0);
}
inline unsigned __reduce_add_sync(unsigned mask, unsigned x) { return (unsigned)peftWarp(peftSum, mask, x, 0); }
inline int __reduce_add_sync(unsigned mask, int x) { return (int)peftWarp(peftSum, mask, (unsigned)x, 0); }
inline unsigned __reduce_min_sync(unsigned mask, unsigned x) { return (unsigned)peftWarp(peftLeast, mask, x, 0); }
inline unsigned __reduce_max_sync(unsigned mask, unsigned x) { return (unsigned)peftWarp(peftMost, mask, x, 0); }
// Flipping the sign keeps the order of signed numbers as unsigned ones.
inline int __reduce_min_sync(unsigned mask, int x) {
  return (int)(__reduce_min_sync(mask, (unsigned)x ^ 0x80000000u) ^ 0x80000000u);
}
inline int __reduce_max_sync(unsigned mask, int x) {
  return (int)(__reduce_max_sync(mask, (unsigned)x ^ 0x80000000u) ^ 0x80000000u);
}
inline unsigned __reduce_and_sync(unsigned mask, unsigned x) { return (unsigned)peftWarp(peftAnd, mask, x, 0); }
inline unsigned __reduce_or_sync(unsigned mask, unsigned x) { return (unsigned)peftWarp(peftOr, mask, x, 0); }

// The lane or distance in the upper half, the width of the sections in the lower.
inline unsigned peftSource(int by, int width) { return ((unsigned)by << 16) | (unsigned)width; }

#define PEFT_SHUFFLES(T, Bits)                                                                          \
  inline T __shfl_sync(unsigned mask, T x, int lane, int width = 32) {                                  \
    return peftBits<T>((Bits)peftWarp(peftShuffle, mask, peftBits<Bits>(x), peftSource(lane & (width - 1), width))); \
  }                                                                                                     \
  inline T __shfl_up_sync(unsigned mask, T x, unsigned by, int width = 32) {                            \
    return peftBits<T>((Bits)peftWarp(peftShuffleUp, mask, peftBits<Bits>(x), peftSource((int)by, width)));   \
  }                                                                                                     \
  inline T __shfl_down_sync(unsigned mask, T x, unsigned by, int width = 32) {                          \
    return peftBits<T>((Bits)peftWarp(peftShuffleDown, mask, peftBits<Bits>(x), peftSource((int)by, width))); \
  }                                                                                                     \
  inline T __shfl_xor_sync(unsigned mask, T x, int by, int width = 32) {                                \
    return peftBits<T>((Bits)peftWarp(peftShuffleXor, mask, peftBits<Bits>(x), peftSource(by, width)));       \
  }
PEFT_SHUFFLES(int, unsigned)
PEFT_SHUFFLES(unsigned, unsigned)
PEFT_SHUFFLES(float, unsigned)
PEFT_SHUFFLES(long long, unsigned long long)
PEFT_SHUFFLES(unsigned long long, unsigned long long)
PEFT_SHUFFLES(double, unsigned long long)

/**
 * For C++ twins of tensor-core instructions: every lane of a full warp gives its registers, at most 256 bytes, and gets
 * those of all 32 lanes by number. They stay valid until this lane's next operation of its warp or block.
 */
template <class T> inline const T *peftWarpExchange(const T &mine) {
  static_assert(sizeof(T) <= 256, "at most 256 bytes a lane");
  return (const T *)peftWarpRecords(&mine, sizeof(T));
}

// Integers only: the order of float sums would differ from run to run on a device.
// What is atomic is not watched.
#define PEFT_ATOMIC __attribute__((no_sanitize("thread"), noinline)) inline
#define PEFT_ATOMICS(T)                                                                            \
  PEFT_ATOMIC T atomicAdd(T *at, T by) { T old = *at; *at = (T)(old + by); return old; }                \
  PEFT_ATOMIC T atomicMax(T *at, T by) { T old = *at; if (by > old) *at = by; return old; }             \
  PEFT_ATOMIC T atomicMin(T *at, T by) { T old = *at; if (by < old) *at = by; return old; }             \
  PEFT_ATOMIC T atomicExch(T *at, T by) { T old = *at; *at = by; return old; }                          \
  PEFT_ATOMIC T atomicCAS(T *at, T expected, T by) { T old = *at; if (old == expected) *at = by; return old; } \
  PEFT_ATOMIC T atomicOr(T *at, T by) { T old = *at; *at = old | by; return old; }                      \
  PEFT_ATOMIC T atomicAnd(T *at, T by) { T old = *at; *at = old & by; return old; }                     \
  PEFT_ATOMIC T atomicXor(T *at, T by) { T old = *at; *at = old ^ by; return old; }
PEFT_ATOMICS(int)
PEFT_ATOMICS(unsigned)
PEFT_ATOMICS(unsigned long long)
inline int atomicSub(int *at, int by) { return atomicAdd(at, -by); }
inline unsigned atomicSub(unsigned *at, unsigned by) { return atomicAdd(at, 0u - by); }

const PeftKernelEntry *peftKernels = nullptr;

struct PeftRegistered : PeftKernelEntry {
  PeftRegistered(const char *name, PeftBody body, unsigned mostThreads, unsigned parameterBytes)
      : PeftKernelEntry{name, body, mostThreads, parameterBytes, peftKernels} {
    peftKernels = this;
  }
};

}  // namespace

#define PEFT_DYNAMIC_SHARED(name) unsigned char *const name = peftDynamicShared

#define PEFT_KERNEL(name, Parameters, mostThreads)                                                             \
  static void name##Body(const Parameters &p, u32 block, u32 blocks);                                          \
  static void name##Alone(const void *parameters, unsigned block, unsigned blocks) {                           \
    name##Body(*(const Parameters *)parameters, block, blocks);                                                \
  }                                                                                                            \
  static void name##Several(const void *parameters, unsigned block, unsigned) {                                \
    const ManyParameters *many = (const ManyParameters *)parameters;                                           \
    name##Body(((const Parameters *)many->table)[block / many->blocks], block % many->blocks, many->blocks);   \
  }                                                                                                            \
  static PeftRegistered name##Registered(#name, name##Alone, mostThreads, sizeof(Parameters));                 \
  static PeftRegistered name##ManyRegistered(#name "Many", name##Several, mostThreads, sizeof(ManyParameters)); \
  static void name##Body(const Parameters &p, u32 block, u32 blocks)

// The linker gives the bounds of the section; the first variable makes sure that there is one.
#define PEFT_HOST_EXPORTS                                                                                       \
  static __attribute__((section("peft_shared"), used)) unsigned char peftSharedStart[16];                       \
  extern "C" __attribute__((visibility("hidden"))) unsigned char __start_peft_shared[], __stop_peft_shared[];   \
  extern "C" int peftLaunch(const char *name, unsigned blocks, unsigned threads, unsigned sharedBytes,          \
                            const void *parameters) {                                                           \
    return peftRun(peftKernels, name, blocks, threads, sharedBytes, parameters, __start_peft_shared,            \
                   (unsigned long long)(__stop_peft_shared - __start_peft_shared), PEFT_WATCHED);               \
  }                                                                                                             \
  extern "C" const PeftKernelEntry *peftKernelNamed(const char *name) {                                         \
    for (const PeftKernelEntry *each = peftKernels; each; each = each->next)                                    \
      if (__builtin_strcmp(each->name, name) == 0) return each;                                                 \
    return nullptr;                                                                                             \
  }                                                                                                             \
  extern "C" unsigned peftParameterBytes(const char *name) {                                                    \
    const PeftKernelEntry *kernel = peftKernelNamed(name);                                                      \
    return kernel ? kernel->parameterBytes : 0;                                                                 \
  }                                                                                                             \
  extern "C" unsigned peftMostThreads(const char *name) {                                                       \
    const PeftKernelEntry *kernel = peftKernelNamed(name);                                                      \
    return kernel ? kernel->mostThreads : 0;                                                                    \
  }
