#include "productBf16.cuh"

PEFT_KERNEL(productBf16x16, ProductParameters, 256) { productOfTiles<16, 8>(p, block); }
