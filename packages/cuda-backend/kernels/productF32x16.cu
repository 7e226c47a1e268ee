#include "productF32.cuh"

PEFT_KERNEL(productF32x16, ProductParameters, 256) { exactProduct<16, 4, 2>(p, block); }
