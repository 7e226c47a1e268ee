#include "productF32.cuh"

PEFT_KERNEL(productF32x64, ProductParameters, 256) { exactProduct<64, 8, 4>(p, block); }
