/* table.c - the kernels of this level, made from variants.def. */
#include "isa.h"
#include "levels.h"
#include "pairs.h"

#define FV_KERNEL(routine, symbol) extern const fv_kernel FV_SYMBOL(symbol);
#include "variants.def"
#undef FV_KERNEL

#define FV_KERNEL(routine, symbol) {FV_R_##routine, &FV_SYMBOL(symbol)},
const fv_listed FV_SYMBOL(listed)[] = {
#include "variants.def"
    {FV_R_COUNT, NULL}};
#undef FV_KERNEL
