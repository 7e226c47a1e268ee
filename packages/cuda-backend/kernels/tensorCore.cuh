// Instructions of sm_80 and later that C++ has no word for, one function each. Layouts of fragments are those of the PTX
// ISA, "Warp-level matrix instructions": g is lane / 4, t is lane % 4. On the host each has a twin in plain C++.

struct alignas(16) Sixteen {
  u32 word[4];
};

// Four matrices of 8 x 8 bf16 from shared memory: lane 8 j + i gives the address of row i of matrix j. Register j of each
// lane is then [g][2 t] and [g][2 t + 1] of matrix j; of its transpose where `transposed`.
template <bool transposed> __device__ __forceinline__ void loadMatrices(u32 (&registers)[4], const void *row) {
#ifdef PEFT_HOST
  const void *const *rows = peftWarpExchange(row);
  const u32 lane = threadIdx.x % 32;
  for (u32 matrix = 0; matrix < 4; matrix++) {
    u32 halves[2];
    for (u32 half = 0; half < 2; half++) {
      const u32 near = lane / 4, far = 2 * (lane % 4) + half;
      halves[half] = ((const u16 *)rows[8 * matrix + (transposed ? far : near)])[transposed ? near : far];
    }
    registers[matrix] = halves[0] | halves[1] << 16;
  }
#else
  const u32 address = (u32)__cvta_generic_to_shared(row);
  if (transposed) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(registers[0]), "=r"(registers[1]), "=r"(registers[2]), "=r"(registers[3])
                 : "r"(address));
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(registers[0]), "=r"(registers[1]), "=r"(registers[2]), "=r"(registers[3])
                 : "r"(address));
  }
#endif
}

// c += a b for a [16, 16] and b [16, 8] of bf16, c [16, 8] of float. Registers hold, as pairs of neighbours:
// a: [g][2 t], [g + 8][2 t], [g][2 t + 8], [g + 8][2 t + 8]; b: [2 t][g] with [2 t + 1][g], then 8 rows on;
// c: [g][2 t], [g][2 t + 1], [g + 8][2 t], [g + 8][2 t + 1].
__device__ __forceinline__ void multiplyAdd(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
#ifdef PEFT_HOST
  struct Registers {
    u32 a[4], b[2];
  };
  const Registers *all = peftWarpExchange(Registers{{a[0], a[1], a[2], a[3]}, {b0, b1}});
  const u32 lane = threadIdx.x % 32;
  for (u32 i = 0; i < 4; i++) {
    const Registers *row = all + lane / 4 * 4, *column = all + (2 * (lane % 4) + i % 2) * 4;
    float sum = 0.0f;
    for (u32 half = 0; half < 2; half++) {
      for (u32 pair = 0; pair < 4; pair++) {
        const u32 left = row[pair].a[i / 2 + 2 * half], right = column[pair].b[half];
        sum += __uint_as_float(left << 16) * __uint_as_float(right << 16);
        sum += __uint_as_float(left & 0xffff0000u) * __uint_as_float(right & 0xffff0000u);
      }
    }
    c[i] += sum;
  }
#else
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
               "{%0, %1, %2, %3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#endif
}

// Two numbers as bf16, to the nearest, the first in the lower half.
__device__ __forceinline__ u32 packBf16(float low, float high) {
#ifdef PEFT_HOST
  return (u32)toBf16(low).bits | (u32)toBf16(high).bits << 16;
#else
  u32 pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
#endif
}

// 2^x, good to 2^-22.
__device__ __forceinline__ float powerOfTwo(float x) {
#ifdef PEFT_HOST
  return exp2f(x);
#else
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}

#ifdef PEFT_HOST
// Copies that a thread has begun: none is made before it is waited for, so that a missing wait shows.
struct HostCopy {
  void *to;
  const void *from;
};
struct HostCopies {
  HostCopy copies[256];
  u32 groups[16];
  u32 made, group;
};
static HostCopies hostCopies[1024];
#endif

// Begins to copy 16 bytes to shared memory, or to fill them with zeros; both addresses are aligned to 16 bytes.
__device__ __forceinline__ void beginCopy(void *to, const void *from, bool isThere) {
#ifdef PEFT_HOST
  peftBeginWrite(to, 16);
  HostCopies &mine = hostCopies[threadIdx.x];
  mine.copies[mine.made++] = HostCopy{to, isThere ? from : nullptr};
#else
  const u32 address = (u32)__cvta_generic_to_shared(to);
  const u32 bytes = isThere ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(from), "r"(bytes) : "memory");
#endif
}

// The copies begun since the last group are a group.
__device__ __forceinline__ void endGroup() {
#ifdef PEFT_HOST
  HostCopies &mine = hostCopies[threadIdx.x];
  mine.groups[mine.group++] = mine.made;
#else
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Waits for this thread's copies but those of the latest `but` groups.
template <u32 but> __device__ __forceinline__ void awaitGroups() {
#ifdef PEFT_HOST
  HostCopies &mine = hostCopies[threadIdx.x];
  if (mine.group <= but) return;
  const u32 gone = mine.group - but, done = mine.groups[gone - 1];
  for (u32 i = 0; i < done; i++) {
    const HostCopy &copy = mine.copies[i];
    *(Sixteen *)copy.to = copy.from ? *(const Sixteen *)copy.from : Sixteen{};
  }
  for (u32 i = done; i < mine.made; i++) mine.copies[i - done] = mine.copies[i];
  for (u32 i = gone; i < mine.group; i++) mine.groups[i - gone] = mine.groups[i] - done;
  mine.made -= done;
  mine.group = but;
#else
  asm volatile("cp.async.wait_group %0;" ::"n"(but) : "memory");
#endif
}
