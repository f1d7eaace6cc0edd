/* rules_functions.c - functions of one value, cell by cell: mathematics, activations, tests, casts, bounds. */
#include "rules_values.h"

#include <math.h>
#include <stdio.h>

/* ---- mathematics -------------------------------------------------------------------------------------------------- */

fv_status fv_rule_math(fv_import *im, const fv_onnx_node *node) {
    static const char *const words[][2] = {{"Abs", "abs"},      {"Acos", "acos"},
                                           {"Acosh", "acosh"},  {"Asin", "asin"},
                                           {"Asinh", "asinh"},  {"Atan", "atan"},
                                           {"Atanh", "atanh"},  {"Ceil", "ceil"},
                                           {"Cos", "cos"},      {"Cosh", "cosh"},
                                           {"Erf", "erf"},      {"Exp", "exp"},
                                           {"Floor", "floor"},  {"Log", "log"},
                                           {"Neg", "negative"}, {"Round", "round"},
                                           {"Sign", "sign"},    {"Sin", "sin"},
                                           {"Sinh", "sinh"},    {"Sqrt", "sqrt"},
                                           {"Tan", "tan"},      {"Reciprocal", "reciprocal"},
                                           {NULL, NULL}};
    return fv_rule_function(im, node, "math", fv_rule_word(words, node->op));
}

/* ---- activations -------------------------------------------------------------------------------------------------- */

/* An operator whose numbers are attributes there and fields here; name NULL ends. */
typedef struct number {
    const char *attribute, *field;
    double standard;
} number;

static fv_status activation(fv_import *im, const fv_onnx_node *node, const char *op, const number *numbers) {
    char fields[200] = " ";
    size_t used = 0;
    for (; numbers->attribute && used < sizeof fields; numbers++)
        used += (size_t)snprintf(fields + used, sizeof fields - used, "%s=%.17g ", numbers->field,
                                 fv_onnx_float(node, numbers->attribute, numbers->standard));
    return fv_rule_function(im, node, op, fields);
}

fv_status fv_rule_hard_sigmoid(fv_import *im, const fv_onnx_node *node) {
    return activation(im, node, "hard_sigmoid",
                      (number[]){{"alpha", "slope", 0.2}, {"beta", "offset", 0.5}, {NULL, NULL, 0}});
}

fv_status fv_rule_selu(fv_import *im, const fv_onnx_node *node) {
    double alpha = node->version < 6 ? 1.6732 : 1.67326319217681884765625;
    double scale = node->version < 6 ? 1.0507 : 1.05070102214813232421875;
    return activation(im, node, "selu",
                      (number[]){{"alpha", "alpha", alpha}, {"gamma", "scale", scale}, {NULL, NULL, 0}});
}

fv_status fv_rule_celu(fv_import *im, const fv_onnx_node *node) {
    if (fv_onnx_float(node, "alpha", 1) == 0) return fv_import_wrong(im, node, "alpha: expected another number than 0");
    return activation(im, node, "celu", (number[]){{"alpha", "alpha", 1}, {NULL, NULL, 0}});
}

fv_status fv_rule_thresholded_relu(fv_import *im, const fv_onnx_node *node) {
    return activation(im, node, "thresholded_relu", (number[]){{"alpha", "threshold", 1}, {NULL, NULL, 0}});
}

fv_status fv_rule_shrink(fv_import *im, const fv_onnx_node *node) {
    return activation(im, node, "shrink",
                      (number[]){{"lambd", "threshold", 0.5}, {"bias", "bias", 0}, {NULL, NULL, 0}});
}

fv_status fv_rule_swish(fv_import *im, const fv_onnx_node *node) {
    return activation(im, node, "swish", (number[]){{"alpha", "beta", 1}, {NULL, NULL, 0}});
}

/* Those without a number. */
fv_status fv_rule_activation(fv_import *im, const fv_onnx_node *node) {
    static const char *const words[][2] = {
        {"HardSwish", "hard_swish"}, {"Mish", "mish"}, {"Softsign", "softsign"}, {NULL, NULL}};
    return fv_rule_function(im, node, fv_rule_word(words, node->op), " ");
}

fv_status fv_rule_gelu(fv_import *im, const fv_onnx_node *node) {
    static const char *const words[][2] = {{"none", "approximate=erf"}, {"tanh", "approximate=tanh"}, {NULL, NULL}};
    const char *form = fv_onnx_text(node, "approximate", "none"), *fields = fv_rule_word(words, form);
    if (!fields) return fv_import_wrong(im, node, "approximate: expected none or tanh, got \"%.40s\"", form);
    return fv_rule_function(im, node, "gelu", fields);
}

/* ---- bounds ------------------------------------------------------------------------------------------------------- */

/* Bounds that are known numbers; *ok is false where one is not. */
static fv_status known_bounds(fv_import *im, const fv_onnx_node *node, double bounds[2], bool *ok) {
    *ok = true;
    for (int i = 1; i <= 2; i++) {
        fv_imported bound;
        if (!fv_import_has(node, i)) continue;
        fv_status status = fv_import_operand(im, node, i, &bound);
        if (status) return status;
        *ok = *ok && bound.known;
        if (*ok && (status = fv_import_number(im, node, i, i == 1 ? "lower bound" : "upper bound", &bounds[i - 1])))
            return status;
    }
    return FV_OK;
}

/* Bounds of whole numbers, or computed ones: they are scalars, which are broadcast against anything. */
static fv_status clip_between(fv_import *im, const fv_onnx_node *node, const fv_imported *x) {
    fv_value y = x->value;
    fv_status status = FV_OK;
    for (int i = 1; i <= 2 && !status; i++) {
        fv_imported bound;
        if (!fv_import_has(node, i)) continue;
        status = fv_import_value(im, node, i, FV_ORDER_ONNX, &bound);
        if (!status && bound.shape.rank != 0) return fv_import_wrong(im, node, "a bound must be a scalar");
        if (!status) status = fv_rule_join(im, node, &y, i == 1 ? "maximum" : "minimum", bound.value);
    }
    return status ? status : fv_import_bind_like(im, node, 0, y, x);
}

fv_status fv_rule_clip(fv_import *im, const fv_onnx_node *node) {
    double bounds[2] = {-INFINITY, INFINITY};
    char fields[80] = " ";
    fv_imported x;
    bool known = true;
    fv_status status = fv_import_any(im, node, 0, &x);
    if (!status && node->version >= 11) status = known_bounds(im, node, bounds, &known);
    if (status) return status;
    if (node->version < 11) {
        bounds[0] = fv_onnx_float(node, "min", -INFINITY);
        bounds[1] = fv_onnx_float(node, "max", INFINITY);
    } else if (!known || x.dtype != FV_F32)
        return clip_between(im, node, &x);
    size_t used = 0;
    if (bounds[0] > -INFINITY) used = (size_t)snprintf(fields, sizeof fields, "low=%.17g ", bounds[0]);
    if (bounds[1] < INFINITY) snprintf(fields + used, sizeof fields - used, "high=%.17g", bounds[1]);
    return fv_rule_function(im, node, "clip", fields);
}

/* ---- truth and types ---------------------------------------------------------------------------------------------- */

fv_status fv_rule_not(fv_import *im, const fv_onnx_node *node) { return fv_rule_function(im, node, "logic", "not"); }
fv_status fv_rule_is_nan(fv_import *im, const fv_onnx_node *node) { return fv_rule_function(im, node, "is", "nan"); }

fv_status fv_rule_is_inf(fv_import *im, const fv_onnx_node *node) {
    bool positive = fv_onnx_int(node, "detect_positive", 1), negative = fv_onnx_int(node, "detect_negative", 1);
    if (positive && negative) return fv_rule_function(im, node, "is", "infinite");
    if (positive) return fv_rule_function(im, node, "is", "positive_infinite");
    if (negative) return fv_rule_function(im, node, "is", "negative_infinite");
    return fv_import_refuse(im, node, "neither detect_positive nor detect_negative");
}

static fv_status cast_to(fv_import *im, const fv_onnx_node *node, fv_dtype to, const char *asked) {
    if (to == FV_NO_DTYPE || to == FV_F64) return fv_import_refuse(im, node, "a cast to %s", asked);
    return fv_rule_function(im, node, "cast", fv_dtype_name(to));
}

fv_status fv_rule_cast(fv_import *im, const fv_onnx_node *node) {
    int64_t to = fv_onnx_int(node, "to", 0);
    if (node->version < 6) return fv_import_refuse(im, node, "opset %d", node->version);
    return cast_to(im, node, fv_onnx_dtype(to), fv_onnx_type_name(to));
}

fv_status fv_rule_cast_like(fv_import *im, const fv_onnx_node *node) {
    fv_imported like;
    fv_status status = fv_import_operand(im, node, 1, &like);
    return status ? status : cast_to(im, node, like.dtype, fv_dtype_name(like.dtype));
}
