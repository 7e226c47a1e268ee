#include "flashForward.cuh"

PEFT_KERNEL(flashForwardBf16x128, FlashForwardParameters, 128) { flashForward<bf16, 128>(p, block); }
