#include "productF32.cuh"

PEFT_KERNEL(productF32x128, ProductParameters, 256) { exactProduct<128, 8, 8>(p, block); }
