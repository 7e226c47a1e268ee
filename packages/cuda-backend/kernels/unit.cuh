// What a thread moves at a time: a few bytes as they lie, or numbers that change their storage on the way.

template <i32 bytes> struct Bytes;
template <> struct Bytes<1> { u8 part; };
template <> struct Bytes<2> { u16 part; };
template <> struct Bytes<4> { u32 part; };
template <> struct alignas(8) Bytes<8> { u32 part[2]; };
template <> struct alignas(16) Bytes<16> { u32 part[4]; };

struct alignas(16) FloatFour { float number[4]; };
struct alignas(8) Bf16Four { bf16 number[4]; };

// Tags of what is moved; src/lowering/layout/unit.ts has the same.
enum Unit : i32 {
  unit1 = 0,
  unit2 = 1,
  unit4 = 2,
  unit8 = 3,
  unit16 = 4,
  unitNarrow = 5,
  unitNarrowFour = 6,
  unitWiden = 7,
  unitWidenFour = 8,
};

template <class To> __device__ __forceinline__ void move(const To &from, To &to) { to = from; }

__device__ __forceinline__ void move(const float &from, bf16 &to) { to = toBf16(from); }

__device__ __forceinline__ void move(const bf16 &from, float &to) { to = toFloat(from); }

__device__ __forceinline__ void move(const FloatFour &from, Bf16Four &to) {
#pragma unroll
  for (i32 i = 0; i < 4; i++) to.number[i] = toBf16(from.number[i]);
}

__device__ __forceinline__ void move(const Bf16Four &from, FloatFour &to) {
#pragma unroll
  for (i32 i = 0; i < 4; i++) to.number[i] = toFloat(from.number[i]);
}

// A unit all of whose numbers are one: `pattern` is that number, repeated to fill four bytes.
__device__ __forceinline__ void fillUnit(u32 pattern, Bytes<1> &unit) { unit.part = (u8)pattern; }

__device__ __forceinline__ void fillUnit(u32 pattern, Bytes<2> &unit) { unit.part = (u16)pattern; }

__device__ __forceinline__ void fillUnit(u32 pattern, Bytes<4> &unit) { unit.part = pattern; }

__device__ __forceinline__ void fillUnit(u32 pattern, Bytes<8> &unit) { unit.part[0] = unit.part[1] = pattern; }

__device__ __forceinline__ void fillUnit(u32 pattern, Bytes<16> &unit) {
#pragma unroll
  for (i32 i = 0; i < 4; i++) unit.part[i] = pattern;
}

__device__ __forceinline__ void fillUnit(u32 pattern, float &unit) { unit = __uint_as_float(pattern); }

__device__ __forceinline__ void fillUnit(u32 pattern, bf16 &unit) { unit.bits = (u16)pattern; }

__device__ __forceinline__ void fillUnit(u32 pattern, FloatFour &unit) {
#pragma unroll
  for (i32 i = 0; i < 4; i++) unit.number[i] = __uint_as_float(pattern);
}

__device__ __forceinline__ void fillUnit(u32 pattern, Bf16Four &unit) {
#pragma unroll
  for (i32 i = 0; i < 4; i++) unit.number[i].bits = (u16)pattern;
}

template <class From, class To>
__device__ __forceinline__ void moveUnitAs(const void *from, i64 fromPlace, void *to, i64 toPlace, u32 pattern) {
  To unit;
  if (fromPlace < 0) fillUnit(pattern, unit);
  else move(((const From *)from)[fromPlace], unit);
  ((To *)to)[toPlace] = unit;
}

// Moves a unit; where there is no place to read from (-1) the pattern is written.
__device__ __forceinline__ void moveUnit(const void *from, i64 fromPlace, void *to, i64 toPlace, i32 unit,
                                         u32 pattern) {
  switch (unit) {
    case unit1: return moveUnitAs<Bytes<1>, Bytes<1>>(from, fromPlace, to, toPlace, pattern);
    case unit2: return moveUnitAs<Bytes<2>, Bytes<2>>(from, fromPlace, to, toPlace, pattern);
    case unit4: return moveUnitAs<Bytes<4>, Bytes<4>>(from, fromPlace, to, toPlace, pattern);
    case unit8: return moveUnitAs<Bytes<8>, Bytes<8>>(from, fromPlace, to, toPlace, pattern);
    case unit16: return moveUnitAs<Bytes<16>, Bytes<16>>(from, fromPlace, to, toPlace, pattern);
    case unitNarrow: return moveUnitAs<float, bf16>(from, fromPlace, to, toPlace, pattern);
    case unitNarrowFour: return moveUnitAs<FloatFour, Bf16Four>(from, fromPlace, to, toPlace, pattern);
    case unitWiden: return moveUnitAs<bf16, float>(from, fromPlace, to, toPlace, pattern);
    case unitWidenFour: return moveUnitAs<Bf16Four, FloatFour>(from, fromPlace, to, toPlace, pattern);
  }
}
