/* rules_elementwise.c - operators on several values whose cells depend on the same cells alone, with broadcasting. */
#include "import_state.h"
#include "rules_values.h"

#include <string.h>

enum { MOST = 64 }; /* operands of one node */

/* ---- two values --------------------------------------------------------------------------------------------------- */

/* Operand 1 under a shape with sizes of 1 behind, as a further operand that only this node knows. */
static fv_status widened(fv_import *im, const fv_onnx_node *node, const fv_imported *b, int more, const char **name) {
    fv_imported wide = *b;
    char list[160];
    fv_status status = FV_OK;
    for (int d = 0; d < more; d++) wide.shape.dim[wide.shape.rank++] = 1;
    if (b->known) {
        wide.known = fv_import_memory(im, sizeof *wide.known);
        if (!wide.known) return fv_fail_memory(im->error, "an import", sizeof *wide.known);
        *wide.known = *b->known;
        wide.known->shape = wide.shape;
        wide.value.id = -1;
    } else {
        int from = wide.shape.rank > 0 && wide.shape.dim[0] == FV_BATCH;
        status = fv_import_value(im, node, 1, FV_ORDER_ONNX, &wide);
        for (int d = 0; d < more && !status; d++) wide.shape.dim[wide.shape.rank++] = 1;
        if (!status)
            status = fv_import_apply(im, node, &wide.value, "reshape", &wide.value, 1, "%s",
                                     fv_import_list(wide.shape.dim + from, wide.shape.rank - from, list, sizeof list));
    }
    if (status) return status;
    *name = fv_arena_printf(im->arena, "\001widened %d", node->index);
    return *name ? fv_import_define(im, node, *name, &wide) : fv_fail_memory(im->error, "an import", sizeof wide);
}

/* Before version 7 operand 1 was broadcast only if `broadcast` was set, and then from `axis` of operand 0 on. */
static fv_status old_broadcast(fv_import *im, const fv_onnx_node *node, const char **inputs) {
    fv_imported a, b;
    int axis;
    fv_status status = fv_import_operand(im, node, 0, &a);
    if (!status) status = fv_import_operand(im, node, 1, &b);
    if (status || !fv_onnx_find(node, "axis") || !fv_onnx_int(node, "broadcast", 0)) return status;
    status = fv_import_axis(im, node, fv_onnx_int(node, "axis", 0), a.shape.rank, &axis);
    if (status) return status;
    int more = a.shape.rank - axis - b.shape.rank;
    if (more < 0) return fv_import_wrong(im, node, "axis %d leaves no room for operand 1", axis);
    return more == 0 ? FV_OK : widened(im, node, &b, more, &inputs[1]);
}

/* y = op(operands 0 and 1). */
static fv_status pair(fv_import *im, const fv_onnx_node *node, const char *op, const char *fields) {
    fv_imported x[2];
    fv_value y, values[2];
    fv_onnx_node aligned = *node;
    const char *inputs[2] = {NULL, NULL};
    bool last;
    if (node->input_count < 2) return fv_import_wrong(im, node, "expected two operands, got %d", node->input_count);
    memcpy(inputs, node->inputs, sizeof inputs);
    aligned.inputs = inputs;
    fv_status status = node->version < 7 ? old_broadcast(im, node, inputs) : FV_OK;
    if (!status) status = fv_import_together(im, &aligned, 0, 2, x, &last);
    if (status) return status;
    for (int i = 0; i < 2; i++) values[i] = x[i].value;
    status = fv_import_apply(im, node, &y, op, values, 2, "%s", fields);
    return status ? status : fv_import_bind(im, node, 0, y, last);
}

fv_status fv_rule_arithmetic(fv_import *im, const fv_onnx_node *node) {
    static const char *const words[][2] = {
        {"Add", "add"}, {"Sub", "subtract"}, {"Mul", "multiply"}, {"Div", "divide"}, {NULL, NULL}};
    return pair(im, node, fv_rule_word(words, node->op), " ");
}

fv_status fv_rule_compare(fv_import *im, const fv_onnx_node *node) {
    static const char *const words[][2] = {{"Equal", "equal"},
                                           {"Less", "less"},
                                           {"LessOrEqual", "less_equal"},
                                           {"Greater", "greater"},
                                           {"GreaterOrEqual", "greater_equal"},
                                           {NULL, NULL}};
    return pair(im, node, "compare", fv_rule_word(words, node->op));
}

fv_status fv_rule_logic(fv_import *im, const fv_onnx_node *node) {
    static const char *const words[][2] = {{"And", "and"},        {"Or", "or"},        {"Xor", "xor"},
                                           {"BitwiseAnd", "and"}, {"BitwiseOr", "or"}, {"BitwiseXor", "xor"},
                                           {NULL, NULL}};
    return pair(im, node, "logic", fv_rule_word(words, node->op));
}

fv_status fv_rule_shift(fv_import *im, const fv_onnx_node *node) {
    static const char *const words[][2] = {{"LEFT", "shift_left"}, {"RIGHT", "shift_right"}, {NULL, NULL}};
    const char *direction = fv_onnx_text(node, "direction", ""), *fields = fv_rule_word(words, direction);
    if (!fields) return fv_import_wrong(im, node, "direction: expected LEFT or RIGHT, got \"%.40s\"", direction);
    return pair(im, node, "logic", fields);
}

fv_status fv_rule_mod(fv_import *im, const fv_onnx_node *node) {
    return pair(im, node, "modulo", fv_onnx_int(node, "fmod", 0) ? "sign=dividend" : "sign=divisor");
}

/* Usual exponents have functions of their own, which cost a fraction of a power; NULL: no such exponent. */
static fv_status usual_power(fv_import *im, const fv_onnx_node *node, const fv_imported x[2], const char **function) {
    static const struct {
        double exponent;
        const char *function;
    } usual[] = {{2, "square"}, {-1, "reciprocal"}};
    double exponent = 0;
    *function = NULL;
    bool one = x[1].known && !x[0].known && x[1].shape.rank <= x[0].shape.rank && fv_shape_count(&x[1].shape) == 1;
    if (!one || x[0].dtype != FV_F32) return FV_OK;
    fv_status status = fv_import_number(im, node, 1, "exponent", &exponent);
    for (int i = 0; i < 2 && !status; i++)
        if (usual[i].exponent == exponent) *function = usual[i].function;
    return status;
}

/* The result has the base's type: an exponent of another type is cast, or both are where the exponent is real. */
fv_status fv_rule_pow(fv_import *im, const fv_onnx_node *node) {
    fv_imported x[2];
    fv_value y, values[2];
    bool last;
    fv_status status = fv_import_operand(im, node, 0, &x[0]);
    if (!status) status = fv_import_operand(im, node, 1, &x[1]);
    const char *function = NULL;
    if (!status) status = usual_power(im, node, x, &function);
    if (!status && function) return fv_rule_function(im, node, "math", function);
    if (status || x[0].dtype == x[1].dtype || node->version < 7) return status ? status : pair(im, node, "power", " ");
    fv_dtype base = x[0].dtype, computed = x[1].dtype == FV_F32 ? FV_F32 : base;
    status = fv_import_together(im, node, 0, 2, x, &last);
    for (int i = 0; i < 2 && !status; i++) {
        values[i] = x[i].value;
        if (x[i].dtype != computed)
            status = fv_import_apply(im, node, &values[i], "cast", &values[i], 1, "%s", fv_dtype_name(computed));
    }
    if (!status) status = fv_import_apply(im, node, &y, "power", values, 2, " ");
    if (!status && computed != base) status = fv_import_apply(im, node, &y, "cast", &y, 1, "%s", fv_dtype_name(base));
    return status ? status : fv_import_bind(im, node, 0, y, last);
}

/* A slope for each channel, or one for all: *channels of them; false if they are others. */
static bool per_channel(const fv_imported *x, const fv_shape *slope, int version, int64_t *channels) {
    int rank = x->shape.rank, axis = slope->rank - rank + 1; /* the slope's axis that stands under the channels */
    *channels = fv_shape_count(slope);
    if (rank < 2 || slope->rank > rank) return false;
    if (*channels == 1) return true;
    if (version < 7 && slope->rank == 1) axis = 0;
    return axis >= 0 && slope->dim[axis] == *channels && *channels == x->shape.dim[1];
}

/* Known slopes become weights of a layer. */
static fv_status prelu_layer(fv_import *im, const fv_onnx_node *node, fv_known *slopes, int64_t count) {
    fv_imported x;
    fv_value y;
    fv_import_weight weight = {.known = slopes, .rank = 1, .dim = {count}, .stride = {1}};
    fv_status status = fv_import_operand(im, node, 0, &x);
    if (!status)
        status = fv_import_value(im, node, 0, x.shape.rank > 2 && count > 1 ? FV_ORDER_LAST : FV_ORDER_ANY, &x);
    if (!status)
        status = fv_import_apply_weights(im, node, &y, "prelu", &x.value, 1, &weight, 1, "shared=%s",
                                         count == 1 ? "yes" : "no");
    return status ? status : fv_import_bind(im, node, 0, y, x.last);
}

/* x where it is not negative, else slope * x. */
fv_status fv_rule_prelu(fv_import *im, const fv_onnx_node *node) {
    fv_imported x[2];
    fv_value zero, negative, values[3];
    fv_onnx_node aligned = *node;
    const char *inputs[2] = {NULL, NULL};
    bool last;
    if (node->input_count < 2) return fv_import_wrong(im, node, "expected two operands, got %d", node->input_count);
    memcpy(inputs, node->inputs, sizeof inputs);
    aligned.inputs = inputs;
    fv_status status = fv_import_operand(im, node, 0, &x[0]);
    if (!status) status = fv_import_operand(im, node, 1, &x[1]);
    if (status) return status;
    int64_t count = 0;
    if (x[1].known && x[1].known->initializer && !x[0].known && x[0].dtype == FV_F32 &&
        per_channel(&x[0], &x[1].shape, node->version, &count))
        return prelu_layer(im, node, x[1].known, count);
    /* before version 7: one slope for each channel */
    if (node->version < 7 && x[1].shape.rank == 1 && x[0].shape.rank > 2)
        status = widened(im, node, &x[1], x[0].shape.rank - 2, &inputs[1]);
    if (!status) status = fv_import_together(im, &aligned, 0, 2, x, &last);
    if (!status) status = fv_rule_scalar(im, node, x[0].dtype, 0, &zero);
    if (status) return status;
    negative = x[0].value;
    fv_value both[2] = {x[0].value, zero};
    status = fv_import_apply(im, node, &negative, "compare", both, 2, "less");
    values[0] = negative;
    values[1] = x[0].value;
    values[2] = x[0].value;
    if (!status) status = fv_rule_join(im, node, &values[1], "multiply", x[1].value);
    if (!status) status = fv_import_apply(im, node, &values[0], "where", values, 3, " ");
    return status ? status : fv_import_bind(im, node, 0, values[0], last);
}

/* ---- any number of values ----------------------------------------------------------------------------------------- */

static fv_status all_of(fv_import *im, const fv_onnx_node *node, const char *op, fv_value *y, bool *last) {
    fv_imported x[MOST];
    fv_value values[MOST];
    int count = node->input_count;
    if (count < 1 || count > MOST) return fv_import_refuse(im, node, "%d operands", count);
    fv_status status = fv_import_together(im, node, 0, count, x, last);
    if (status) return status;
    for (int i = 0; i < count; i++) values[i] = x[i].value;
    *y = values[0];
    return count == 1 ? FV_OK : fv_import_apply(im, node, y, op, values, count, " ");
}

fv_status fv_rule_all_of(fv_import *im, const fv_onnx_node *node) {
    static const char *const words[][2] = {
        {"Sum", "add"}, {"Mean", "add"}, {"Max", "maximum"}, {"Min", "minimum"}, {NULL, NULL}};
    fv_value y, part;
    bool last = false;
    fv_status status = all_of(im, node, fv_rule_word(words, node->op), &y, &last);
    if (!status && !strcmp(node->op, "Mean") && node->input_count > 1) {
        status = fv_rule_scalar(im, node, FV_F32, 1 / (double)node->input_count, &part);
        if (!status) status = fv_rule_join(im, node, &y, "multiply", part);
    }
    return status ? status : fv_import_bind(im, node, 0, y, last);
}

fv_status fv_rule_where(fv_import *im, const fv_onnx_node *node) {
    fv_imported x[3];
    fv_value y, values[3];
    bool last;
    if (node->input_count != 3) return fv_import_wrong(im, node, "expected three operands, got %d", node->input_count);
    fv_status status = fv_import_together(im, node, 0, 3, x, &last);
    if (status) return status;
    for (int i = 0; i < 3; i++) values[i] = x[i].value;
    status = fv_import_apply(im, node, &y, "where", values, 3, " ");
    return status ? status : fv_import_bind(im, node, 0, y, last);
}
