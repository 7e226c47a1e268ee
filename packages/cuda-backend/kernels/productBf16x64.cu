#include "productBf16.cuh"

PEFT_KERNEL(productBf16x64, ProductParameters, 256) { productOfTiles<64, 4>(p, block); }
