#include "flashBackward.cuh"

PEFT_KERNEL(flashBackwardBf16x128, FlashBackwardParameters, 128) { flashBackward<bf16, 128>(p, block); }
