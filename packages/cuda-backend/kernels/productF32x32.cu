#include "productF32.cuh"

PEFT_KERNEL(productF32x32, ProductParameters, 256) { exactProduct<32, 4, 4>(p, block); }
