#include "flashForward.cuh"

PEFT_KERNEL(flashForwardF32x128, FlashForwardParameters, 64) { flashForward<float, 128>(p, block); }
