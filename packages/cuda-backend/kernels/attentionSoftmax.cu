#include "rowGroup.cuh"
#include "attentionMask.cuh"

// Probabilities of scores that are scaled already: softmax(scores + mask) along the keys.
struct AttentionSoftmaxParameters {
  const void *scores;
  void *probabilities;
  float *statistics;  // largest score and sum of the exponentials of each row; may be null
  Mask mask;
  i64 rows;
  i32 queries;
  i32 keys;
  i32 causal;
  i32 scoresStorage;
  i32 probabilitiesStorage;
};

struct ScoreRow {
  i64 start;
  i64 mask;
  i32 seen;

  __device__ __forceinline__ ScoreRow(const AttentionSoftmaxParameters &p, i64 row) {
    const i32 query = (i32)((u32)row % (u32)p.queries);
    start = row * p.keys;
    mask = maskRow(p.mask, (u32)row / (u32)p.queries, query);
    seen = p.causal ? keysSeen(query, p.queries, p.keys) : p.keys;
  }

  __device__ __forceinline__ void read(const AttentionSoftmaxParameters &p, i32 key, float (&scores)[8]) const {
    const i32 count = eightOf(key, p.keys);
    readEight(p.scores, start + key, p.scoresStorage, count, -3.4e38f, scores);
    addMask(p.mask, mask, key, count, scores);
#pragma unroll
    for (i32 i = 0; i < 8; i++) {
      if (key + i >= seen && i < count) scores[i] += hiddenScore;
    }
  }
};

template <i32 size> __device__ __forceinline__ void attentionSoftmaxRow(const AttentionSoftmaxParameters &p, u32 block) {
  const i64 index = RowGroup<size>::row(block);
  if (index >= p.rows) return;
  const ScoreRow row(p, index);
  const i32 first = RowGroup<size>::lane() * 8;
  float scores[8];
  float most = -3.4e38f;
  for (i32 key = first; key < p.keys; key += size * 8) {
    row.read(p, key, scores);
#pragma unroll
    for (i32 i = 0; i < 8; i++) most = fmaxf(most, scores[i]);
  }
  most = RowGroup<size>::max(most);
  float sum = 0.0f;
  for (i32 key = first; key < p.keys; key += size * 8) {
    row.read(p, key, scores);
#pragma unroll
    for (i32 i = 0; i < 8; i++) sum += expf(scores[i] - most);
  }
  sum = RowGroup<size>::sum(sum);
  const float inverse = 1.0f / sum;
  for (i32 key = first; key < p.keys; key += size * 8) {
    row.read(p, key, scores);
#pragma unroll
    for (i32 i = 0; i < 8; i++) scores[i] = expf(scores[i] - most) * inverse;
    writeEight(p.probabilities, row.start + key, p.probabilitiesStorage, eightOf(key, p.keys), scores);
  }
  if (p.statistics && RowGroup<size>::lane() == 0) {
    p.statistics[2 * index] = most;
    p.statistics[2 * index + 1] = sum;
  }
}

PEFT_KERNEL(attentionSoftmax32, AttentionSoftmaxParameters, 128) { attentionSoftmaxRow<32>(p, block); }
PEFT_KERNEL(attentionSoftmax128, AttentionSoftmaxParameters, 128) { attentionSoftmaxRow<128>(p, block); }
PEFT_KERNEL(attentionSoftmax512, AttentionSoftmaxParameters, 512) { attentionSoftmaxRow<512>(p, block); }

// probabilities * (direct - sum(direct * probabilities)), direct being the gradient by the probabilities times the scale.
struct AttentionSoftmaxGradParameters {
  const void *direct;
  const void *probabilities;
  void *dScores;
  i64 rows;
  i32 keys;
  i32 directStorage;
  i32 probabilitiesStorage;
  i32 dScoresStorage;
};

template <i32 size>
__device__ __forceinline__ void attentionSoftmaxGradRow(const AttentionSoftmaxGradParameters &p, u32 block) {
  const i64 row = RowGroup<size>::row(block);
  if (row >= p.rows) return;
  const i64 start = row * p.keys;
  const i32 first = RowGroup<size>::lane() * 8;
  float direct[8];
  float shares[8];
  float mean = 0.0f;
  for (i32 key = first; key < p.keys; key += size * 8) {
    const i32 count = eightOf(key, p.keys);
    readEight(p.direct, start + key, p.directStorage, count, 0.0f, direct);
    readEight(p.probabilities, start + key, p.probabilitiesStorage, count, 0.0f, shares);
#pragma unroll
    for (i32 i = 0; i < 8; i++) mean += direct[i] * shares[i];
  }
  mean = RowGroup<size>::sum(mean);
  for (i32 key = first; key < p.keys; key += size * 8) {
    const i32 count = eightOf(key, p.keys);
    readEight(p.direct, start + key, p.directStorage, count, 0.0f, direct);
    readEight(p.probabilities, start + key, p.probabilitiesStorage, count, 0.0f, shares);
#pragma unroll
    for (i32 i = 0; i < 8; i++) direct[i] = shares[i] * (direct[i] - mean);
    writeEight(p.dScores, start + key, p.dScoresStorage, count, direct);
  }
}

PEFT_KERNEL(attentionSoftmaxGrad32, AttentionSoftmaxGradParameters, 128) { attentionSoftmaxGradRow<32>(p, block); }
PEFT_KERNEL(attentionSoftmaxGrad128, AttentionSoftmaxGradParameters, 128) { attentionSoftmaxGradRow<128>(p, block); }
PEFT_KERNEL(attentionSoftmaxGrad512, AttentionSoftmaxGradParameters, 512) { attentionSoftmaxGradRow<512>(p, block); }
