/* integers.h - what arithmetic of whole numbers means, for every variant to the bit. Nothing is undefined: results wrap,
 * what is divided by 0 is 0, and a real number that a type cannot hold becomes the nearest one that it can.
 *
 * Cells of every whole type are computed as int64 and then cut to their type, which gives the same as computing in it. */
#ifndef FV_INTEGERS_H
#define FV_INTEGERS_H

#include "kernels.h"

static inline int64_t fv_wrap_add(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }
static inline int64_t fv_wrap_sub(int64_t a, int64_t b) { return (int64_t)((uint64_t)a - (uint64_t)b); }
static inline int64_t fv_wrap_mul(int64_t a, int64_t b) { return (int64_t)((uint64_t)a * (uint64_t)b); }

/* The last number of the type divided by -1 is itself, as it wraps. */
static inline int64_t fv_whole_div(int64_t a, int64_t b) { return b == 0 ? 0 : b == -1 ? fv_wrap_sub(0, a) : a / b; }
static inline int64_t fv_whole_remainder(int64_t a, int64_t b) { return b == 0 || b == -1 ? 0 : a % b; }

static inline int64_t fv_whole_modulo(int64_t a, int64_t b) {
    int64_t r = fv_whole_remainder(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

/* A negative power is 1/a^-b cut towards zero; that of 0 is 0. */
static inline int64_t fv_whole_pow(int64_t a, int64_t b) {
    int64_t y = 1;
    if (b < 0) return a == 1 ? 1 : a == -1 ? (b % 2 ? -1 : 1) : 0;
    for (; b > 0; b >>= 1, a = fv_wrap_mul(a, a))
        if (b & 1) y = fv_wrap_mul(y, a);
    return y;
}

/* Shifts by nothing less than the width leave what shifting bit by bit would: 0, or -1 of a negative to the right. */
static inline int64_t fv_shift_left(int64_t a, int64_t b) { return b < 0 || b > 63 ? 0 : (int64_t)((uint64_t)a << b); }
static inline int64_t fv_shift_right(int64_t a, int64_t b) { return a >> (b < 0 || b > 63 ? 63 : b); }

static inline int64_t fv_whole_element(fv_element kind, int64_t a, int64_t b) {
    switch (kind) {
    case FV_EL_CAST: return a;
    case FV_EL_ABS: return a < 0 ? fv_wrap_sub(0, a) : a;
    case FV_EL_NEG: return fv_wrap_sub(0, a);
    case FV_EL_SIGN: return (a > 0) - (a < 0);
    case FV_EL_NOT: return ~a;
    case FV_EL_ADD: return fv_wrap_add(a, b);
    case FV_EL_SUB: return fv_wrap_sub(a, b);
    case FV_EL_MUL: return fv_wrap_mul(a, b);
    case FV_EL_DIV: return fv_whole_div(a, b);
    case FV_EL_MAX: return a > b ? a : b;
    case FV_EL_MIN: return a < b ? a : b;
    case FV_EL_POW: return fv_whole_pow(a, b);
    case FV_EL_MODULO: return fv_whole_modulo(a, b);
    case FV_EL_REMAINDER: return fv_whole_remainder(a, b);
    case FV_EL_AND: return a & b;
    case FV_EL_OR: return a | b;
    case FV_EL_XOR: return a ^ b;
    case FV_EL_SHIFT_LEFT: return fv_shift_left(a, b);
    case FV_EL_SHIFT_RIGHT: return fv_shift_right(a, b);
    case FV_EL_EQUAL: return a == b;
    case FV_EL_NOT_EQUAL: return a != b;
    case FV_EL_LESS: return a < b;
    case FV_EL_LESS_EQUAL: return a <= b;
    case FV_EL_GREATER: return a > b;
    case FV_EL_GREATER_EQUAL: return a >= b;
    case FV_EL_IS_NAN:
    case FV_EL_IS_INF:
    case FV_EL_IS_POSITIVE_INF:
    case FV_EL_IS_NEGATIVE_INF:
    case FV_EL_COUNT: break;
    }
    return 0;
}

/* Smallest and largest number of a whole type. */
static inline int64_t fv_whole_lowest(fv_dtype dtype) {
    return dtype == FV_I64 ? INT64_MIN : dtype == FV_I32 ? INT32_MIN : 0;
}
static inline int64_t fv_whole_highest(fv_dtype dtype) {
    return dtype == FV_I64 ? INT64_MAX : dtype == FV_I32 ? INT32_MAX : dtype == FV_U8 ? UINT8_MAX : 1;
}

/* A real number as a whole one: cut towards zero, kept within the type; what is not a number is 0. Truth: not 0. */
static inline int64_t fv_whole_from_real(fv_dtype dtype, double x) {
    int64_t low = fv_whole_lowest(dtype), high = fv_whole_highest(dtype);
    if (dtype == FV_BOOL) return x != 0;
    if (x != x) return 0;
    if (x <= (double)low) return low;
    return x >= (double)high ? high : (int64_t)x;
}

static inline int64_t fv_whole_load(fv_dtype dtype, const void *p, int64_t i) {
    switch (dtype) {
    case FV_I32: return ((const int32_t *)p)[i];
    case FV_I64: return ((const int64_t *)p)[i];
    default: return ((const uint8_t *)p)[i];
    }
}

/* Cut to the type; for BOOL the value must be a truth value: bit 0 of it. */
static inline void fv_whole_store(fv_dtype dtype, void *p, int64_t i, int64_t value) {
    switch (dtype) {
    case FV_I32: ((int32_t *)p)[i] = (int32_t)(uint32_t)(uint64_t)value; break;
    case FV_I64: ((int64_t *)p)[i] = value; break;
    case FV_BOOL: ((uint8_t *)p)[i] = value & 1; break;
    default: ((uint8_t *)p)[i] = (uint8_t)value; break;
    }
}

/* A cast between whole types: to truth values, not 0; else what is left of the bits. */
static inline int64_t fv_whole_cast(fv_dtype to, int64_t a) { return to == FV_BOOL ? a != 0 : a; }

#endif
