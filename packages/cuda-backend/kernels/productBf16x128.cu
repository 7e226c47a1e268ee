#include "productBf16.cuh"

PEFT_KERNEL(productBf16x128, ProductParameters, 256) { productOfTiles<128, 2>(p, block); }
