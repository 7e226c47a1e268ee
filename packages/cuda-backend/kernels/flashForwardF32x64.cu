#include "flashForward.cuh"

PEFT_KERNEL(flashForwardF32x64, FlashForwardParameters, 64) { flashForward<float, 64>(p, block); }
