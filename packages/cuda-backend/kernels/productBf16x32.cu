#include "productBf16.cuh"

PEFT_KERNEL(productBf16x32, ProductParameters, 256) { productOfTiles<32, 8>(p, block); }
