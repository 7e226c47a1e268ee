#include "eight.cuh"

struct AdamwParameters {
  const void *param;
  const void *grad;
  const void *m;
  const void *v;
  const float *learningRate;
  const float *correction1;
  const float *correction2;
  void *nextParam;
  void *nextM;
  void *nextV;
  i64 count;
  float oneMinusBeta1;
  float beta2;
  float oneMinusBeta2;
  float epsilon;
  float weightDecay;
  i32 paramStorage;
  i32 gradStorage;
  i32 mStorage;
  i32 vStorage;
  i32 nextStorage[3];
};

// Decoupled weight decay (arXiv 1711.05101, algorithm 2), eight numbers a thread.
PEFT_KERNEL(adamw, AdamwParameters, 128) {
  const i64 index = ((i64)block * blockDim.x + threadIdx.x) * 8;
  if (index >= p.count) return;
  const i32 count = p.count - index < 8 ? (i32)(p.count - index) : 8;
  const float rate = p.learningRate[0];
  const float step = rate / p.correction1[0];
  const float root2 = sqrtf(p.correction2[0]);
  const float kept = 1.0f - rate * p.weightDecay;
  float param[8];
  float grad[8];
  float m[8];
  float v[8];
  readEight(p.param, index, p.paramStorage, count, 0.0f, param);
  readEight(p.grad, index, p.gradStorage, count, 0.0f, grad);
  readEight(p.m, index, p.mStorage, count, 0.0f, m);
  readEight(p.v, index, p.vStorage, count, 0.0f, v);
#pragma unroll
  for (i32 i = 0; i < 8; i++) {
    m[i] = m[i] + (grad[i] - m[i]) * p.oneMinusBeta1;
    v[i] = v[i] * p.beta2 + grad[i] * grad[i] * p.oneMinusBeta2;
    param[i] = param[i] * kept - step * m[i] / (sqrtf(v[i]) / root2 + p.epsilon);
  }
  writeEight(p.nextParam, index, p.nextStorage[0], count, param);
  writeEight(p.nextM, index, p.nextStorage[1], count, m);
  writeEight(p.nextV, index, p.nextStorage[2], count, v);
}

struct ImportanceParameters {
  const void *param;
  const void *grad;
  const void *sensitivity;
  const void *uncertainty;
  const float *sensitivityRate;
  const float *uncertaintyRate;
  void *nextSensitivity;
  void *nextUncertainty;
  i64 count;
  i32 paramStorage;
  i32 gradStorage;
  i32 sensitivityStorage;
  i32 uncertaintyStorage;
  i32 nextStorage[2];
};

// Both averages of AdaLoRA (arXiv 2303.10512, equations 8 to 10): of |w g|, and of its distance from the first.
PEFT_KERNEL(importance, ImportanceParameters, 128) {
  const i64 index = ((i64)block * blockDim.x + threadIdx.x) * 8;
  if (index >= p.count) return;
  const i32 count = p.count - index < 8 ? (i32)(p.count - index) : 8;
  const float sensitivityRate = p.sensitivityRate[0];
  const float uncertaintyRate = p.uncertaintyRate[0];
  float param[8];
  float grad[8];
  float mean[8];
  float distance[8];
  readEight(p.param, index, p.paramStorage, count, 0.0f, param);
  readEight(p.grad, index, p.gradStorage, count, 0.0f, grad);
  readEight(p.sensitivity, index, p.sensitivityStorage, count, 0.0f, mean);
  readEight(p.uncertainty, index, p.uncertaintyStorage, count, 0.0f, distance);
#pragma unroll
  for (i32 i = 0; i < 8; i++) {
    const float value = fabsf(param[i] * grad[i]);
    mean[i] += sensitivityRate * (value - mean[i]);
    distance[i] += uncertaintyRate * (fabsf(value - mean[i]) - distance[i]);
  }
  writeEight(p.nextSensitivity, index, p.nextStorage[0], count, mean);
  writeEight(p.nextUncertainty, index, p.nextStorage[1], count, distance);
}

struct TripletScoreParameters {
  // Sensitivity and uncertainty of a [inner, rank], lambda [rank] and b [rank, columns].
  const void *sensitivityA;
  const void *sensitivityLambda;
  const void *sensitivityB;
  const void *uncertaintyA;
  const void *uncertaintyLambda;
  const void *uncertaintyB;
  void *scores;
  i32 inner;
  i32 rank;
  i32 columns;
  i32 storage[6];
  i32 scoresStorage;
};

// One block a triplet: the score of lambda plus the mean scores of its column of a and its row of b.
PEFT_KERNEL(tripletScore, TripletScoreParameters, 128) {
  const i64 triplet = block;
  float a = 0.0f;
  for (i32 i = threadIdx.x; i < p.inner; i += blockDim.x) {
    const i64 at = (i64)i * p.rank + triplet;
    a += loadFloat(p.sensitivityA, at, p.storage[0]) * loadFloat(p.uncertaintyA, at, p.storage[3]);
  }
  float b = 0.0f;
  for (i32 i = threadIdx.x; i < p.columns; i += blockDim.x) {
    const i64 at = triplet * p.columns + i;
    b += loadFloat(p.sensitivityB, at, p.storage[2]) * loadFloat(p.uncertaintyB, at, p.storage[5]);
  }
  const float means = blockSum(a) / p.inner + blockSum(b) / p.columns;
  if (threadIdx.x > 0) return;
  const float own = loadFloat(p.sensitivityLambda, triplet, p.storage[1]) *
                    loadFloat(p.uncertaintyLambda, triplet, p.storage[4]);
  storeFloat(p.scores, triplet, p.scoresStorage, own + means);
}

struct TripletExcessParameters {
  const void *factor;
  const void *live;
  float *excess;  // [rank, rank]
  i32 rank;
  i32 length;
  i32 vectorStride;  // from one vector of the factor to the next
  i32 entryStride;  // from one entry of a vector to the next
  i32 factorStorage;
  i32 liveStorage;
};

// Gram matrix of a factor's vectors minus the identity, zero where one of the two does not count: a warp an entry.
PEFT_KERNEL(tripletExcess, TripletExcessParameters, 256) {
  const i64 entry = (i64)block * (blockDim.x / 32) + threadIdx.x / 32;
  if (entry >= (i64)p.rank * p.rank) return;
  const i64 row = entry / p.rank;
  const i64 column = entry % p.rank;
  float sum = 0.0f;
  for (i32 i = threadIdx.x % 32; i < p.length; i += 32) {
    const i64 place = (i64)i * p.entryStride;
    sum += loadFloat(p.factor, row * p.vectorStride + place, p.factorStorage) *
           loadFloat(p.factor, column * p.vectorStride + place, p.factorStorage);
  }
  sum = warpSum(sum) - (row == column ? 1.0f : 0.0f);
  if (threadIdx.x % 32 > 0) return;
  p.excess[entry] = sum * loadFloat(p.live, row, p.liveStorage) * loadFloat(p.live, column, p.liveStorage);
}

struct TripletDistanceParameters {
  const float *ofA;
  const float *ofB;
  void *distance;
  i32 entries;
  i32 distanceStorage;
};

// One block: the squares of both excesses, summed.
PEFT_KERNEL(tripletDistance, TripletDistanceParameters, 128) {
  float a = 0.0f;
  float b = 0.0f;
  for (i32 i = threadIdx.x; i < p.entries; i += blockDim.x) {
    a += p.ofA[i] * p.ofA[i];
    b += p.ofB[i] * p.ofB[i];
  }
  const float sum = blockSum(a) + blockSum(b);
  if (threadIdx.x == 0) storeFloat(p.distance, 0, p.distanceStorage, sum);
}

struct TripletGradientParameters {
  const void *factor;
  const float *excess;
  const void *dy;
  void *gradient;
  i32 rank;
  i32 length;
  i32 vectorStride;
  i32 entryStride;
  i32 factorStorage;
  i32 dyStorage;
  i32 gradientStorage;
};

// 4 dy (excess times the factor's vectors): a thread a number.
PEFT_KERNEL(tripletGradient, TripletGradientParameters, 256) {
  const i64 index = (i64)block * blockDim.x + threadIdx.x;
  if (index >= (i64)p.rank * p.length) return;
  const i64 vector = p.entryStride == 1 ? index / p.length : index % p.rank;
  const i64 place = p.entryStride == 1 ? index % p.length : index / p.rank;
  float sum = 0.0f;
  for (i32 i = 0; i < p.rank; i++) {
    const float factor = loadFloat(p.factor, (i64)i * p.vectorStride + place * p.entryStride, p.factorStorage);
    sum += p.excess[vector * p.rank + i] * factor;
  }
  storeFloat(p.gradient, index, p.gradientStorage, 4.0f * loadFloat(p.dy, 0, p.dyStorage) * sum);
}
