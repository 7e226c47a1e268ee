// What a program does at the end of a run.

// Bytes of a next state and where the state lies.
struct StatePiece {
  const u8 *from;
  u8 *to;
  i64 bytes;
};

struct CommitParameters {
  // One for each block; none where a run changes no state.
  const StatePiece *pieces;
  // The float metrics of the run, each 16 bytes after the one before.
  const float *metrics;
  u32 *isCommitted;
  u32 metricCount;
  // Whether the metrics that are no result of the run are finite.
  u32 isAllowed;
};

// The next state becomes the state, if every metric is finite.
PEFT_KERNEL(commit, CommitParameters, 256) {
  bool isFinite = p.isAllowed != 0;
  for (u32 index = 0; index < p.metricCount; index++) {
    const u32 bits = __float_as_uint(p.metrics[4 * index]);
    isFinite = isFinite && (bits & 0x7f800000u) != 0x7f800000u;
  }
  if (block == 0 && threadIdx.x == 0) *p.isCommitted = isFinite;
  if (!isFinite || p.pieces == nullptr) return;
  const StatePiece piece = p.pieces[block];
  i64 done = 0;
  if ((((u64)piece.from | (u64)piece.to) & 15) == 0) {
    const i64 vectors = piece.bytes / 16;
    for (i64 index = threadIdx.x; index < vectors; index += blockDim.x) {
      ((uint4 *)piece.to)[index] = ((const uint4 *)piece.from)[index];
    }
    done = vectors * 16;
  }
  for (i64 index = done + threadIdx.x; index < piece.bytes; index += blockDim.x) piece.to[index] = piece.from[index];
}
