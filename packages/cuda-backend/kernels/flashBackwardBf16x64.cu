#include "flashBackward.cuh"

PEFT_KERNEL(flashBackwardBf16x64, FlashBackwardParameters, 128) { flashBackward<bf16, 64>(p, block); }
