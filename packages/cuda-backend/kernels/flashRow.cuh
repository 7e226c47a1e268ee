#include "flashAttention.cuh"

// What the gradients read of each query: largest score, log2 of the sum, sum(dy * output). Beyond the last query of a
// head, up to a multiple of 64, stand numbers that make every probability 0.
struct FlashRow {
  float most;
  float logarithm;
  float delta;
  float unused;
};
