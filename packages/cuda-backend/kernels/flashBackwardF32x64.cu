#include "flashBackward.cuh"

PEFT_KERNEL(flashBackwardF32x64, FlashBackwardParameters, 64) { flashBackward<float, 64>(p, block); }
