/* numbers.c - numbers that belong to the net: a tensor with a weight of its own, or one written out. */
#include "support.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* Word i is the dtype that stands beside it below. */
static const fv_choices dtypes = {"fv_numbers_dtype", "FV_NUMBERS_", {"f32", "i32", "i64", "u8", "bool"}};
static const fv_dtype dtype_of[] = {FV_F32, FV_I32, FV_I64, FV_U8, FV_BOOL};

#define FIELDS(F)                                                                                                      \
    F(numbers, LIST, shape, .positional = true, .max = FV_MANY, .standard_text = "one number alone",                   \
      .help = "its sizes; it has no batch")                                                                            \
    F(numbers, CHOICE, dtype, .choices = &dtypes, .help = "the type of its elements")                                  \
    F(numbers, TEXT, values,                                                                                           \
      .help = "its elements, row by row, \"1 2 3\"; without them it is a weight of the model (f32)")                   \
    F(numbers, BOOL, trainable, .help = "training changes it")                                                         \
    F(numbers, TEXT, initializer, .standard_text = "zeros", .help = "how the weight starts")
FV_DEFINE_FIELDS(numbers, FIELDS)

enum { VALUE };

static fv_type type_of(const struct numbers *f) {
    fv_type type = {.dtype = dtype_of[f->dtype]};
    while (type.shape.rank < 8 && f->shape[type.shape.rank] != FV_UNSET) type.shape.rank++;
    memcpy(type.shape.dim, f->shape, (size_t)type.shape.rank * sizeof type.shape.dim[0]);
    return type;
}

/* The next number of the text into element i of `data` (NULL: it is only checked). */
static bool take_value(const char **at, fv_dtype dtype, void *data, int64_t i) {
    char word[40];
    size_t length = strcspn(*at, " ");
    double real = 0;
    int64_t whole = 0;
    if (length == 0 || length >= sizeof word) return false;
    memcpy(word, *at, length);
    word[length] = 0;
    *at += length;
    *at += strspn(*at, " ");
    if (dtype == FV_F32 ? !fv_parse_double(word, &real) : !fv_parse_i64(word, &whole)) return false;
    switch (dtype) {
    case FV_F32:
        if (data) ((float *)data)[i] = (float)real;
        return true;
    case FV_I64:
        if (data) ((int64_t *)data)[i] = whole;
        return true;
    case FV_I32:
        if (data) ((int32_t *)data)[i] = (int32_t)whole;
        return whole >= INT32_MIN && whole <= INT32_MAX;
    default:
        if (data) ((uint8_t *)data)[i] = (uint8_t)whole;
        return whole >= 0 && whole <= (dtype == FV_BOOL ? 1 : UINT8_MAX);
    }
}

/* Exactly `count` numbers. */
static bool take_values(const char *text, fv_dtype dtype, int64_t count, void *data) {
    for (int64_t i = 0; i < count; i++)
        if (!take_value(&text, dtype, data, i)) return false;
    return *text == 0;
}

static fv_status infer(fv_infer *infer) {
    const struct numbers *f = infer->fields;
    fv_type type = type_of(f);
    char shape[128];
    int64_t count;
    infer->out[0] = type;
    if (!fv_dims_product(type.shape.dim, type.shape.rank, &count))
        return fv_infer_fail(infer, "it has too many elements");
    infer->parameter[VALUE] = (fv_parameter){.absent = f->values != NULL,
                                             .fixed = !f->trainable,
                                             .shape = type.shape,
                                             .initializer = f->initializer,
                                             .axes = "cccccccc" + 8 - type.shape.rank};
    if (!f->values && type.dtype != FV_F32)
        return fv_infer_fail(infer, "only f32 can be a weight of the model; write the values of %s out",
                             fv_dtype_name(type.dtype));
    if (f->values && !take_values(f->values, type.dtype, count, NULL))
        return fv_infer_fail(infer, "values must be %lld numbers of %s for %s", (long long)count,
                             fv_dtype_name(type.dtype), fv_shape_text(&type.shape, shape, sizeof shape));
    return FV_OK;
}

static void forward(fv_emit *e) {
    const struct numbers *f = fv_emit_fields(e);
    const fv_type *type = fv_out_type(e, 0);
    if (!f->values) {
        fv_out_is(e, 0, fv_weight(e, VALUE));
        return;
    }
    int64_t count = fv_shape_count(&type->shape);
    void *data = fv_alloc((size_t)(count ? count : 1) * fv_dtype_size(type->dtype));
    if (data) {
        take_values(f->values, type->dtype, count, data);
        fv_out_is(e, 0, fv_constant(e, type, data));
    }
    fv_free(data);
}

static void backward(fv_emit *e) {
    const struct numbers *f = fv_emit_fields(e);
    if (!f->values && fv_wants_d_weight(e, VALUE)) {
        fv_geom geom = fv_geom_for(e, fv_out_type(e, 0));
        geom.unary = (fv_unary_geom){.kind = FV_U_COPY, .each = fv_type_each(fv_out_type(e, 0))};
        FV_CALL(e, FV_R_UNARY, &geom, fv_d_weight(e, VALUE), fv_d_out(e, 0));
    }
}

const fv_op fv_op_numbers = {
    .name = "numbers",
    .summary = "numbers that belong to the net",
    .details =
        "A tensor without a batch that other operators read: a table, an offset, a mask. Without values it is a weight of the "
        "model, saved with it; trainable=yes lets training change it. Values that are written out stand in the net's text.",
    FV_FIELDS(numbers),
    .ports = {{"value", FV_WEIGHT, "its elements", true}},
    .traits = FV_T_EMPTY,
    .onnx = "Constant",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .examples =
        {
            {.title = "three numbers",
             .fields = "shape=3 values=\"1 -2 0.5\"",
             .out = {"fixed 3: 1 -2 1/2"},
             .no_gradient = true},
            {.fields = "shape=2,3 trainable=yes",
             .weight = {"2x3: 1 2 3 ; 4 5 6"},
             .out = {"fixed 2x3: 1 2 3 ; 4 5 6"}},
        },
};
