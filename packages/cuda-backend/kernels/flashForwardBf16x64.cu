#include "flashForward.cuh"

PEFT_KERNEL(flashForwardBf16x64, FlashForwardParameters, 128) { flashForward<bf16, 64>(p, block); }
