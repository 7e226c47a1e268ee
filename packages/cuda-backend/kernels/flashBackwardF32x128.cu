#include "flashBackward.cuh"

PEFT_KERNEL(flashBackwardF32x128, FlashBackwardParameters, 64) { flashBackward<float, 128>(p, block); }
