/* elements.c - the number types that files hold, and how they become ours. */
#include "elements.h"
#include "memory.h"

#include <string.h>

/* Files are little-endian and so are all machines we support; a big-endian one would need swaps when writing. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "Fovea writes little-endian files as they lie in memory");

static const struct {
    size_t size;
    fv_dtype dtype;
    bool same; /* in memory as in the file */
} elements[] = {
    [FV_EL_NONE] = {0, FV_NO_DTYPE, false}, [FV_EL_BOOL] = {1, FV_BOOL, false}, [FV_EL_U8] = {1, FV_U8, true},
    [FV_EL_I8] = {1, FV_I32, false},        [FV_EL_U16] = {2, FV_I32, false},   [FV_EL_I16] = {2, FV_I32, false},
    [FV_EL_U32] = {4, FV_I64, false},       [FV_EL_I32] = {4, FV_I32, true},    [FV_EL_U64] = {8, FV_I64, false},
    [FV_EL_I64] = {8, FV_I64, true},        [FV_EL_F16] = {2, FV_F32, false},   [FV_EL_BF16] = {2, FV_F32, false},
    [FV_EL_F32] = {4, FV_F32, true},        [FV_EL_F64] = {8, FV_F64, true},
};

size_t fv_element_size(fv_element element) { return elements[element].size; }

fv_dtype fv_element_dtype(fv_element element) { return elements[element].dtype; }

bool fv_elements_claimed(fv_element element, const fv_shape *shape, size_t *count, size_t *bytes) {
    int64_t elements_claimed = 1;
    for (int d = 0; d < shape->rank; d++)
        if (shape->dim[d] < 0 || !fv_mul_i64(elements_claimed, shape->dim[d], &elements_claimed)) return false;
    *count = (size_t)elements_claimed;
    return fv_mul_size(*count, fv_element_size(element), bytes);
}

static float float_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
static float float_of_half(uint32_t half) {
    uint32_t sign = (half & 0x8000u) << 16, exponent = half >> 10 & 31u, fraction = half & 0x3ffu;
    if (exponent == 0) { /* zero and subnormals: fraction * 2^-24 */
        float value = (float)fraction * 0x1p-24f;
        return sign ? -value : value;
    }
    if (exponent == 31) return float_of_bits(sign | 0x7f800000u | fraction << 13);
    return float_of_bits(sign | (exponent + 112u) << 23 | fraction << 13);
}

static uint64_t load(const unsigned char *in, size_t size, bool big_endian) {
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++) bits |= (uint64_t)in[big_endian ? size - 1 - i : i] << 8 * i;
    return bits;
}

static bool convert_one(fv_element element, uint64_t bits, void *out) {
    int32_t i32 = 0;
    int64_t i64 = 0;
    float f32 = 0;
    switch (element) {
    case FV_EL_BOOL: *(unsigned char *)out = (unsigned char)bits; return bits <= 1;
    case FV_EL_U8: *(unsigned char *)out = (unsigned char)bits; return true;
    case FV_EL_I8: i32 = (int8_t)bits; break;
    case FV_EL_U16: i32 = (int32_t)bits; break;
    case FV_EL_I16: i32 = (int16_t)bits; break;
    case FV_EL_I32: i32 = (int32_t)(uint32_t)bits; break;
    case FV_EL_U32:
    case FV_EL_U64:
    case FV_EL_I64:
        if (element == FV_EL_U64 && bits > INT64_MAX) return false;
        i64 = (int64_t)bits;
        memcpy(out, &i64, sizeof i64);
        return true;
    case FV_EL_F64: memcpy(out, &bits, sizeof bits); return true;
    case FV_EL_F16:
        f32 = float_of_half((uint32_t)bits);
        memcpy(out, &f32, sizeof f32);
        return true;
    case FV_EL_BF16:
        f32 = float_of_bits((uint32_t)bits << 16);
        memcpy(out, &f32, sizeof f32);
        return true;
    case FV_EL_F32:
        f32 = float_of_bits((uint32_t)bits);
        memcpy(out, &f32, sizeof f32);
        return true;
    case FV_EL_NONE: return false;
    }
    memcpy(out, &i32, sizeof i32);
    return true;
}

bool fv_elements_convert(fv_element element, bool big_endian, const unsigned char *in, size_t count, void *out) {
    size_t size = elements[element].size, step = fv_dtype_size(elements[element].dtype);
    if (count == 0) return true;
    if (elements[element].same && (!big_endian || size == 1)) {
        memcpy(out, in, count * size);
        return true;
    }
    for (size_t i = 0; i < count; i++)
        if (!convert_one(element, load(in + i * size, size, big_endian), (char *)out + i * step)) return false;
    return true;
}
