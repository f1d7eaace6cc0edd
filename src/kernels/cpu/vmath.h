/* vmath.h - exp, log and their kind on vectors, and the element functions made of them.
 *
 * Our own, so that no result depends on a C library: every level computes the same steps in the same order (a level
 * without fused multiply-add rounds once more). The polynomials are minimax fits by Remez exchange, their coefficients
 * then rounded to float. Errors are held by tests/test_kernels.c through the unary routine: 2 ulp, sigmoid 3.
 */
#ifndef FV_CPU_VMATH_H
#define FV_CPU_VMATH_H

#include "vmath_lanes.h"

#include <math.h>

#if FV_LANES == 4 && defined(__SSE2__)
#include <emmintrin.h>
#elif FV_LANES == 4 && defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#endif

FV_INLINE vf vf_sqrt(vf x) {
#if FV_LANES == 16
    return (vf)_mm512_sqrt_ps((__m512)x);
#elif FV_LANES == 8
    return (vf)_mm256_sqrt_ps((__m256)x);
#elif defined(__SSE2__)
    return (vf)_mm_sqrt_ps((__m128)x);
#elif defined(__ARM_NEON) && defined(__aarch64__)
    return (vf)vsqrtq_f32((float32x4_t)x);
#else
    for (int i = 0; i < FV_LANES; i++) x[i] = __builtin_sqrtf(x[i]);
    return x;
#endif
}

/* 2^n as floats, -126 <= n <= 127 */
FV_INLINE vf vf_power_of_two(vi n) { return (vf)((n + 127) << 23); }

/* x * 2^n for n down to -252 and up to 254: in two steps, so that denormal results round once. */
FV_INLINE vf vf_scale_by_power(vf x, vi n) {
    vi half = n >> 1;
    return x * vf_power_of_two(half) * vf_power_of_two(n - half);
}

/* What exp is made of: x + low = n ln 2 + r with |r| <= ln 2 / 2; returns e^r - 1. */
FV_INLINE vf vf_exp_reduced(vf x, vf low, vi *n) {
    const float magic = 0x1.8p23f; /* adding it rounds to a whole number */
    vf whole = (x * 0x1.715476p+0f + magic) - magic;
    *n = vi_from_vf(whole);
    vf r = x - whole * 0.693359375f; /* 9 bits of ln 2: the product is exact */
    r = r - whole * -0x1.bd0106p-13f + low;
    vf p = 1.9918097e-4f + vf_zero();
    p = p * r + 1.39445835e-3f;
    p = p * r + 8.33326578e-3f;
    p = p * r + 4.16663028e-2f;
    p = p * r + 0.166666672f;
    p = p * r + 0.5f;
    return p * (r * r) + r;
}

/* exp(x + low), where low is a small correction. Beyond the clamps the result is infinite or 0 anyway. */
FV_INLINE vf vf_exp_corrected(vf x, vf low) {
    vi n;
    x = vf_max(vf_all(-105.0f), vf_min(vf_all(89.0f), x)); /* in this order NaN passes */
    vf p = vf_exp_reduced(x, low, &n);
    return vf_scale_by_power(p + 1.0f, n);
}

FV_INLINE vf vf_exp(vf x) { return vf_exp_corrected(x, vf_zero()); }

/* exp(x) - 1 for x <= 0 */
FV_INLINE vf vf_expm1_below(vf x) {
    vi n;
    vf p = vf_exp_reduced(vf_max(vf_all(-30.0f), x), vf_zero(), &n);
    vf scale = vf_power_of_two(n);
    vf y = p * scale + (scale - 1.0f);
    return vf_select(x == 0.0f, x, y); /* keeps -0 */
}

/* log of a positive, normal x: e*ln 2 + log m with m in [sqrt 1/2, sqrt 2); e_more is added to e. */
FV_INLINE vf vf_log_normal(vf x, vi e_more) {
    vi bits = (vi)x, offset = bits - 0x3f3504f3; /* sqrt 1/2 */
    vi e = offset >> 23;
    vf m = (vf)(bits - (e << 23)), f = m - 1.0f, k = vf_from_vi(e + e_more), ff = f * f;
    vf p = 6.94257542e-2f + vf_zero();
    p = p * f + -0.117454313f;
    p = p * f + 0.118352599f;
    p = p * f + -0.123902142f;
    p = p * f + 0.142251551f;
    p = p * f + -0.166690782f;
    p = p * f + 0.20001848f;
    p = p * f + -0.249999866f;
    p = p * f + 0.333333164f;
    vf small = p * (ff * f) + k * -0x1.bd0106p-13f;
    small = small - 0.5f * ff;
    return (small + f) + k * 0.693359375f;
}

FV_INLINE vf vf_log(vf x) {
    vi tiny = x < 0x1p-126f;
    vf scaled = vf_select(tiny, x * 0x1p23f, x);
    vf y = vf_log_normal(scaled, tiny & -23);
    y = vf_select(x == INFINITY, x, y);
    y = vf_select(x == 0.0f, vf_all(-INFINITY), y);
    y = vf_select(x < 0.0f, vf_all(NAN), y);
    return vf_select(x != x, x, y);
}

/* log(1 + x) for 0 <= x <= 1: log u for the rounded u = 1 + x, corrected for the rounding. */
FV_INLINE vf vf_log1p_unit(vf x) {
    vf u = 1.0f + x;
    return vf_log_normal(u, (vi){0}) + (x - (u - 1.0f)) / u;
}

FV_INLINE vf vf_copy_sign(vf magnitude, vf sign) { return (vf)((vi)magnitude | ((vi)sign & vi_all(INT32_MIN))); }

FV_INLINE vf vf_tanh(vf x) {
    vf m = vf_abs(x), z = x * x;
    vf p = 2.14398233e-3f + vf_zero();
    p = p * z + -8.18251632e-3f;
    p = p * z + 2.17048228e-2f;
    p = p * z + -5.39480112e-2f;
    p = p * z + 0.133332208f;
    p = p * z + -0.333333313f;
    vf near = p * (z * x) + x;
    vf far = 1.0f - 2.0f / (vf_exp(m + m) + 1.0f);
    return vf_select(m < 0.625f, near, vf_copy_sign(far, x));
}

/* 1 / (1 + exp(-x)), from exp(-|x|) so that both tails are accurate. */
FV_INLINE vf vf_sigmoid(vf x) {
    vf e = vf_exp(-vf_abs(x));
    return vf_select(x < 0.0f, e, vf_all(1.0f)) / (1.0f + e);
}

FV_INLINE vf vf_softplus(vf x) { return vf_max(vf_zero(), x) + vf_log1p_unit(vf_exp(-vf_abs(x))); }

/* exp(-t^2/2) for t >= 0: the square in two parts, so that its rounding is not magnified. */
FV_INLINE vf vf_exp_half_square(vf t) {
    vf high = (vf)((vi)t & vi_all((int32_t)0xfffff000)), low = t - high;
    return vf_exp_corrected(-0.5f * (high * high), -0.5f * (low * (t + high)));
}

/* The normal distribution function (5 ulp for |x| < 5) and exp(-x^2/2). Below 0 it is exp(-x^2/2) times a smooth
 * function of t = |x|, fitted in u = (t - 3.5)/(t + 3.5). */
FV_INLINE vf vf_normal_below(vf x, vf *bell) {
    vf t = vf_min(vf_all(15.0f), vf_abs(x)), u = (t - 3.5f) / (t + 3.5f);
    vf q = -2.38013472e-5f + vf_zero();
    q = q * u + 1.17005024e-4f;
    q = q * u + 3.61309387e-4f;
    q = q * u + -1.37636391e-3f;
    q = q * u + -1.5512947e-3f;
    q = q * u + 1.90646704e-2f;
    q = q * u + -6.16407618e-2f;
    q = q * u + 0.125855356f;
    q = q * u + -0.18713966f;
    q = q * u + 0.106345154f;
    *bell = vf_exp_half_square(t);
    vf tail = q * *bell;
    return vf_select(x > 0.0f, 1.0f - tail, tail);
}

/* ---- element functions ---------------------------------------------------------------------------------------------
 */

FV_INLINE vf vf_sign(vf x) {
    return vf_select(x == 0.0f, vf_zero(), vf_select(x != x, vf_zero(), vf_copy_sign(vf_all(1.0f), x)));
}

/* x sqrt(8/pi) (1 + 0.044715 x^2): gelu's tanh form is x sigmoid of it. */
FV_INLINE vf vf_gelu_inner(vf x) { return 1.59576912f * (x + 0.044715f * (x * x * x)); }

/* Near 0 its power series, else 1 - 2 Phi(-x sqrt 2). */
FV_INLINE vf vf_erf(vf x) {
    vf m = vf_abs(x), z = x * x, bell;
    vf p = -1.49256504e-5f + vf_zero(); /* 2/sqrt(pi) (-1)^n / (n! (2n + 1)), n = 7 .. 0 */
    p = p * z + 1.2055333e-4f;
    p = p * z + -8.54832702e-4f;
    p = p * z + 5.22397763e-3f;
    p = p * z + -2.68661706e-2f;
    p = p * z + 0.112837917f;
    p = p * z + -0.376126389f;
    p = p * z + 1.12837917f;
    vf far = 1.0f - 2.0f * vf_normal_below(m * -1.41421356f, &bell);
    return vf_select(m < 0.625f, p * x, vf_copy_sign(far, x));
}

FV_INLINE vf vf_between(float low, float high, vf x) { return vf_min(vf_all(high), vf_max(vf_all(low), x)); }

/* tanh(log(1 + e^x)) = n / (n + 2) with n = e^x (e^x + 2); above 20 it is 1. */
FV_INLINE vf vf_mish_gate(vf x) {
    vf e = vf_exp(vf_min(vf_all(20.0f), x)), n = e * (e + 2.0f);
    return n / (n + 2.0f);
}

/* fv_unary of kernels.h. `kind` should be a constant where speed counts: the switch then vanishes. */
FV_INLINE vf vf_unary(fv_unary kind, float a, float b, vf x) {
    vf bell;
    switch (kind) {
    case FV_U_COPY: return x;
    case FV_U_RELU: return vf_max(vf_zero(), x); /* not a number stays so */
    case FV_U_LEAKY_RELU: return vf_select(x > 0.0f, x, a * x);
    case FV_U_SIGMOID: return vf_sigmoid(x);
    case FV_U_TANH: return a * vf_tanh(b * x);
    case FV_U_ELU: return vf_select(x > 0.0f, x, a * vf_expm1_below(vf_min(vf_zero(), x)));
    case FV_U_GELU: return x * vf_normal_below(x, &bell);
    case FV_U_GELU_TANH: return x * vf_sigmoid(vf_gelu_inner(x));
    case FV_U_SOFTPLUS: return vf_softplus(x);
    case FV_U_SWISH: return x * vf_sigmoid(a * x);
    case FV_U_EXP: return vf_exp(x);
    case FV_U_LOG: return vf_log(x);
    case FV_U_SQRT: return vf_sqrt(x);
    case FV_U_ABS: return vf_abs(x);
    case FV_U_NEG: return -x;
    case FV_U_SQUARE: return x * x;
    case FV_U_SIGN: return vf_sign(x);
    case FV_U_RECIPROCAL: return 1.0f / x;
    case FV_U_SCALE: return a * x + b;
    case FV_U_CLIP: return vf_min(vf_all(b), vf_max(vf_all(a), x)); /* not a number stays so */
    case FV_U_FLOOR: return vf_floor(x);
    case FV_U_CEIL: return -vf_floor(-x);
    case FV_U_ROUND: return vf_round(x);
    case FV_U_SIN: return vf_each_lane(lane_sin, x);
    case FV_U_COS: return vf_each_lane(lane_cos, x);
    case FV_U_TAN: return vf_each_lane(lane_tan, x);
    case FV_U_ASIN: return vf_each_lane(lane_asin, x);
    case FV_U_ACOS: return vf_each_lane(lane_acos, x);
    case FV_U_ATAN: return vf_each_lane(lane_atan, x);
    case FV_U_SINH: return vf_each_lane(lane_sinh, x);
    case FV_U_COSH: return vf_each_lane(lane_cosh, x);
    case FV_U_ASINH: return vf_each_lane(lane_asinh, x);
    case FV_U_ACOSH: return vf_each_lane(lane_acosh, x);
    case FV_U_ATANH: return vf_each_lane(lane_atanh, x);
    case FV_U_ERF: return vf_erf(x);
    case FV_U_HARD_SIGMOID: return vf_between(0, 1, a * x + b);
    case FV_U_HARD_SWISH: return x * vf_between(0, 1, x * (1.0f / 6) + 0.5f);
    case FV_U_MISH: return x * vf_mish_gate(x);
    case FV_U_SELU: return b * vf_select(x > 0.0f, x, a * vf_expm1_below(vf_min(vf_zero(), x)));
    case FV_U_CELU: return vf_select(x > 0.0f, x, a * vf_expm1_below(vf_min(vf_zero(), x / a)));
    case FV_U_SOFTSIGN: return x / (1.0f + vf_abs(x));
    case FV_U_THRESHOLDED_RELU: return vf_select(x > vf_all(a), x, vf_zero());
    case FV_U_SHRINK: return vf_select(x > vf_all(a), x - b, vf_select(x < vf_all(-a), x + b, vf_zero()));
    case FV_U_COUNT: break;
    }
    return x;
}

/* Its derivative at x, where y = vf_unary(x); x or y is read as fv_unary_reads says. */
FV_INLINE vf vf_unary_slope(fv_unary kind, float a, float b, vf x, vf y) {
    const vf one = vf_all(1.0f);
    vf s, bell;
    switch (kind) {
    case FV_U_COPY: return one;
    case FV_U_RELU: return vf_select(y > 0.0f, one, vf_zero());
    case FV_U_LEAKY_RELU: return vf_select(x > 0.0f, one, vf_all(a));
    case FV_U_SIGMOID: return y * (1.0f - y);
    case FV_U_TANH: return b * (a - y * y / a);
    case FV_U_ELU: return vf_select(x > 0.0f, one, a * vf_exp(x));
    case FV_U_GELU: s = vf_normal_below(x, &bell); return s + x * (0.398942280f * bell);
    case FV_U_GELU_TANH:
        s = vf_sigmoid(vf_gelu_inner(x));
        return s + x * s * (1.0f - s) * (1.59576912f * (1.0f + 3 * 0.044715f * (x * x)));
    case FV_U_SOFTPLUS: return vf_sigmoid(x);
    case FV_U_SWISH: s = vf_sigmoid(a * x); return s + a * x * s * (1.0f - s);
    case FV_U_EXP: return y;
    case FV_U_LOG: return 1.0f / x;
    case FV_U_SQRT: return 0.5f / y;
    case FV_U_ABS: return vf_sign(x);
    case FV_U_NEG: return -one;
    case FV_U_SQUARE: return x + x;
    case FV_U_SIGN: return vf_zero();
    case FV_U_RECIPROCAL: return -(y * y);
    case FV_U_SCALE: return vf_all(a);
    case FV_U_CLIP: return vf_select((y > vf_all(a)) & (y < vf_all(b)), one, vf_zero());
    case FV_U_FLOOR:
    case FV_U_CEIL:
    case FV_U_ROUND: return vf_zero();
    case FV_U_SIN: return vf_each_lane(lane_cos, x);
    case FV_U_COS: return -vf_each_lane(lane_sin, x);
    case FV_U_TAN: return 1.0f + y * y;
    case FV_U_ASIN: return 1.0f / vf_sqrt((1.0f - x) * (1.0f + x));
    case FV_U_ACOS: return -1.0f / vf_sqrt((1.0f - x) * (1.0f + x));
    case FV_U_ATAN: return 1.0f / (1.0f + x * x);
    case FV_U_SINH: return vf_each_lane(lane_cosh, x);
    case FV_U_COSH: return vf_each_lane(lane_sinh, x);
    case FV_U_ASINH: return 1.0f / vf_sqrt(x * x + 1.0f);
    case FV_U_ACOSH: return 1.0f / vf_sqrt((x - 1.0f) * (x + 1.0f));
    case FV_U_ATANH: return 1.0f / ((1.0f - x) * (1.0f + x));
    case FV_U_ERF: return 1.12837917f * vf_exp(-x * x);
    case FV_U_HARD_SIGMOID: return vf_select((y > 0.0f) & (y < 1.0f), vf_all(a), vf_zero());
    case FV_U_HARD_SWISH: return vf_select(x > -3.0f, vf_select(x < 3.0f, x * (1.0f / 3) + 0.5f, one), vf_zero());
    case FV_U_MISH: s = vf_mish_gate(x); return s + x * (1.0f - s * s) * vf_sigmoid(x);
    case FV_U_SELU: return b * vf_select(x > 0.0f, one, a * vf_exp(x));
    case FV_U_CELU: return vf_select(x > 0.0f, one, vf_exp(x / a));
    case FV_U_SOFTSIGN: return 1.0f / ((1.0f + vf_abs(x)) * (1.0f + vf_abs(x)));
    case FV_U_THRESHOLDED_RELU: return vf_select(x > vf_all(a), one, vf_zero());
    case FV_U_SHRINK: return vf_select((x > vf_all(a)) | (x < vf_all(-a)), one, vf_zero());
    case FV_U_COUNT: break;
    }
    return one;
}

/* The same in place, with a loop of its own for every kind (unary.c), on `count` rows of `length` floats that begin `step`
 * floats apart: for epilogues, since every use of vf_unary is all kinds again. */
#define unary_in_place FV_SYMBOL(unary_in_place)
void unary_in_place(const fv_epilogue *e, float *y, int64_t count, int64_t length, int64_t step);

#endif
