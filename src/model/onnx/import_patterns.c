/* import_patterns.c - groups of operators that are one of ours: what ONNX's older opsets lacked, and exporters write out.
 *
 * A group is found from its last operator; the others must have no other reader. It is imported as one operator, ONNX's own where a
 * later opset has it (Gelu, Swish, GroupNormalization), else one of the domain `fovea`. */
#include <math.h>
#include <string.h>

#include "hash.h"
#include "import_state.h"

enum { MOST_FACTORS = 4, MOST_MEMBERS = 16 };
static const char ours[] = "fovea";

/* What is known of a name. */
typedef struct entry {
    const char *name;
    const fv_onnx_node *maker;
    const fv_onnx_tensor *tensor; /* an initializer, or what a Constant holds */
    int readers;
    bool output; /* of the graph */
} entry;

typedef struct finder {
    fv_import *im;
    entry *entries;
    size_t slots;
    const fv_onnx_node *member[MOST_MEMBERS]; /* of the group that is being looked at, its last operator aside */
    int members;
} finder;

static entry *entry_of(const finder *f, const char *name) {
    size_t i = (size_t)fv_hash_text(name) & (f->slots - 1);
    while (f->entries[i].name && strcmp(f->entries[i].name, name)) i = (i + 1) & (f->slots - 1);
    f->entries[i].name = name;
    return &f->entries[i];
}

static bool index_names(finder *f) {
    const fv_onnx_file *file = f->im->file;
    size_t names = (size_t)fv_onnx_initializer_count(file) + (size_t)fv_onnx_output_count(file);
    for (int n = 0; n < fv_onnx_node_count(file); n++) {
        const fv_onnx_node *node = fv_onnx_node_at(file, n);
        names += (size_t)node->input_count + (size_t)node->output_count;
    }
    for (f->slots = 64; f->slots < 2 * names;) f->slots *= 2;
    if (!(f->entries = fv_alloc_array(f->slots, sizeof *f->entries))) return false;
    for (int i = 0; i < fv_onnx_initializer_count(file); i++)
        entry_of(f, fv_onnx_initializer(file, i)->name)->tensor = fv_onnx_initializer(file, i);
    for (int n = 0; n < fv_onnx_node_count(file); n++) {
        const fv_onnx_node *node = fv_onnx_node_at(file, n);
        for (int k = 0; k < node->input_count; k++) entry_of(f, node->inputs[k])->readers++;
        for (int k = 0; k < node->output_count; k++) entry_of(f, node->outputs[k])->maker = node;
        if (!strcmp(node->op, "Constant") && node->output_count)
            entry_of(f, node->outputs[0])->tensor = fv_onnx_tensor_of(node, "value");
    }
    for (int i = 0; i < fv_onnx_output_count(file); i++) entry_of(f, fv_onnx_output(file, i)->name)->output = true;
    return true;
}

/* ---- looking ------------------------------------------------------------------------------------------------------ */

static bool is_op(const fv_onnx_node *node, const char *op) { return node && !*node->domain && !strcmp(node->op, op); }

/* The operator that makes this name, which so many times is read by the group alone; it becomes a member. NULL: none such. */
static const fv_onnx_node *made_by(finder *f, const char *name, const char *op, int readers) {
    const entry *e = entry_of(f, name);
    if (!is_op(e->maker, op) || e->readers != readers || e->output || e->maker->output_count != 1) return NULL;
    if (f->members == MOST_MEMBERS) return NULL;
    return f->member[f->members++] = e->maker;
}

/* One number that is known. */
static bool number_of(finder *f, const char *name, double *out) {
    const fv_onnx_tensor *tensor = entry_of(f, name)->tensor;
    float value;
    if (!tensor || tensor->count != 1 || tensor->dtype != FV_F32 || fv_onnx_tensor_read(tensor, &value, NULL))
        return false;
    *out = (double)value;
    return true;
}

static bool is_number(finder *f, const char *name, double expected) {
    double number;
    return number_of(f, name, &number) && fabs(number - expected) <= 1e-4 * fabs(expected);
}

/* A product as its known number and what else is multiplied. */
typedef struct product {
    double number;
    const char *factor[MOST_FACTORS];
    int factors;
} product;

static bool add_factor(finder *f, const char *name, product *p) {
    double number;
    if (number_of(f, name, &number)) return p->number *= number, true;
    const entry *e = entry_of(f, name);
    int before = f->members;
    if (e->readers == 1 && is_op(e->maker, "Mul") && made_by(f, name, "Mul", 1))
        return add_factor(f, e->maker->inputs[0], p) && add_factor(f, e->maker->inputs[1], p);
    if (is_op(e->maker, "Div") && number_of(f, e->maker->inputs[1], &number) && number != 0 &&
        made_by(f, name, "Div", 1)) {
        p->number /= number;
        return add_factor(f, e->maker->inputs[0], p);
    }
    f->members = before;
    if (p->factors == MOST_FACTORS) return false;
    p->factor[p->factors++] = name;
    return true;
}

static bool factors_of(finder *f, const fv_onnx_node *node, product *p) {
    *p = (product){.number = 1};
    return node->input_count == 2 && add_factor(f, node->inputs[0], p) && add_factor(f, node->inputs[1], p);
}

/* Is it x times this number? */
static bool is_multiple(finder *f, const char *name, const char *x, double number) {
    product p = {.number = 1};
    if (!strcmp(name, x)) return fabs(number - 1) < 1e-4;
    return add_factor(f, name, &p) && p.factors == 1 && !strcmp(p.factor[0], x) &&
           fabs(p.number - number) <= 1e-4 * fabs(number);
}

/* ---- making ------------------------------------------------------------------------------------------------------- */

/* The operator that stands for the group that ends in `last`. */
static fv_onnx_node *stand_in(finder *f, const fv_onnx_node *last, const char *domain, const char *op, int version,
                              int inputs) {
    fv_onnx_node *node = fv_import_memory(f->im, sizeof *node);
    const char **names = fv_import_memory(f->im, (size_t)inputs * sizeof *names);
    if (!node || !names) return NULL;
    *node = *last;
    node->op = op;
    node->domain = domain;
    node->version = version;
    node->inputs = names;
    node->input_count = inputs;
    node->attribute_count = 0;
    return node;
}

static void add_attribute(finder *f, fv_onnx_node *node, fv_onnx_attribute attribute) {
    fv_onnx_attribute *list = fv_import_memory(f->im, (size_t)(node->attribute_count + 1) * sizeof *list);
    if (!list) return;
    if (node->attribute_count) memcpy(list, node->attributes, (size_t)node->attribute_count * sizeof *list);
    list[node->attribute_count++] = attribute;
    node->attributes = list;
}

static fv_onnx_node *of_one(finder *f, const fv_onnx_node *last, const char *domain, const char *op, int version,
                            const char *x) {
    fv_onnx_node *node = stand_in(f, last, domain, op, version, 1);
    if (node) node->inputs[0] = x;
    return node;
}

/* ---- functions of one value --------------------------------------------------------------------------------------- */

/* u = sqrt(2/pi) (x + 0.044715 x^3) */
static bool is_gelu_cubic(finder *f, const char *u, const char *x) {
    product outer = {.number = 1}, cube = {.number = 1};
    if (!add_factor(f, u, &outer) || outer.factors != 1 || fabs(outer.number - 0.7978846) > 1e-4) return false;
    const fv_onnx_node *sum = made_by(f, outer.factor[0], "Add", 1);
    if (!sum) return false;
    int own = !strcmp(sum->inputs[0], x) ? 0 : 1;
    if (strcmp(sum->inputs[own], x) != 0 || !add_factor(f, sum->inputs[1 - own], &cube)) return false;
    if (fabs(cube.number - 0.044715) > 1e-5) return false;
    if (cube.factors == 1) {
        const fv_onnx_node *power = made_by(f, cube.factor[0], "Pow", 1);
        return power && !strcmp(power->inputs[0], x) && is_number(f, power->inputs[1], 3);
    }
    for (int i = 0; i < cube.factors; i++)
        if (strcmp(cube.factor[i], x) != 0) return false;
    return cube.factors == 3;
}

/* x/2 (1 + erf(x / sqrt 2)), or with tanh. */
static fv_onnx_node *find_gelu(finder *f, const fv_onnx_node *last, const product *p) {
    if (p->factors != 2 || fabs(p->number - 0.5) > 1e-6) return NULL;
    for (int k = 0; k < 2; k++) {
        int before = f->members;
        const char *x = p->factor[1 - k];
        const fv_onnx_node *sum = made_by(f, p->factor[k], "Add", 1), *inner = NULL;
        int one = sum && is_number(f, sum->inputs[0], 1) ? 0 : 1;
        if (sum && is_number(f, sum->inputs[one], 1)) {
            if ((inner = made_by(f, sum->inputs[1 - one], "Erf", 1)) && is_multiple(f, inner->inputs[0], x, sqrt(0.5)))
                return of_one(f, last, "", "Gelu", 20, x);
            if ((inner = made_by(f, sum->inputs[1 - one], "Tanh", 1)) && is_gelu_cubic(f, inner->inputs[0], x)) {
                fv_onnx_node *node = of_one(f, last, "", "Gelu", 20, x);
                if (node)
                    add_attribute(f, node,
                                  (fv_onnx_attribute){.name = "approximate", .kind = FV_ONNX_TEXT, .text = "tanh"});
                return node;
            }
        }
        f->members = before;
    }
    return NULL;
}

/* x sigmoid(beta x) */
static fv_onnx_node *find_swish(finder *f, const fv_onnx_node *last, const product *p) {
    if (p->factors != 2 || p->number != 1) return NULL;
    for (int k = 0; k < 2; k++) {
        int before = f->members;
        const char *x = p->factor[1 - k];
        const fv_onnx_node *gate = made_by(f, p->factor[k], "Sigmoid", 1);
        product inner = {.number = 1};
        if (gate && (!strcmp(gate->inputs[0], x) ||
                     (add_factor(f, gate->inputs[0], &inner) && inner.factors == 1 && !strcmp(inner.factor[0], x)))) {
            fv_onnx_node *node = of_one(f, last, "", "Swish", 24, x);
            if (node)
                add_attribute(f, node,
                              (fv_onnx_attribute){.name = "alpha", .kind = FV_ONNX_FLOAT, .number = inner.number});
            return node;
        }
        f->members = before;
    }
    return NULL;
}

/* 1.7159 tanh(2x/3), LeNet-5's */
static fv_onnx_node *find_scaled_tanh(finder *f, const fv_onnx_node *last, const product *p) {
    if (p->factors != 1 || fabs(p->number - 1.7159) > 1e-5) return NULL;
    const fv_onnx_node *tanh = made_by(f, p->factor[0], "Tanh", 1);
    product inner = {.number = 1};
    if (!tanh || !add_factor(f, tanh->inputs[0], &inner) || inner.factors != 1 || fabs(inner.number - 2.0 / 3) > 1e-6)
        return NULL;
    return of_one(f, last, ours, "ScaledTanh", 1, inner.factor[0]);
}

static fv_onnx_node *find_product(finder *f, const fv_onnx_node *last) {
    product p;
    fv_onnx_node *found = NULL;
    if (!factors_of(f, last, &p)) return NULL;
    int before = f->members;
    if ((found = find_gelu(f, last, &p))) return found;
    f->members = before;
    if ((found = find_swish(f, last, &p))) return found;
    f->members = before;
    return find_scaled_tanh(f, last, &p);
}

/* ---- numbers for each channel ------------------------------------------------------------------------------------- */

/* [C, 1, ..., 1] for values of rank `rank`: the tensor's name is operand 0 or 1 of the node. */
static const char *channels_of(finder *f, const fv_onnx_node *node, int rank, const char **other) {
    for (int k = 0; k < 2 && node->input_count == 2; k++) {
        const fv_onnx_tensor *t = entry_of(f, node->inputs[k])->tensor;
        bool fits = t && t->dtype == FV_F32 && t->shape.rank == rank - 1;
        for (int d = 1; fits && d < t->shape.rank; d++) fits = t->shape.dim[d] == 1;
        *other = node->inputs[1 - k];
        if (fits) return node->inputs[k];
    }
    return NULL;
}

/* The rank of what an operator over pictures makes, 0: not known. */
static int rank_of(const finder *f, const char *name) {
    const fv_onnx_node *maker = entry_of(f, name)->maker;
    int count = 0;
    if (is_op(maker, "AveragePool") || is_op(maker, "MaxPool")) fv_onnx_ints(maker, "kernel_shape", &count);
    if (is_op(maker, "Conv") && maker->input_count > 1 && entry_of(f, maker->inputs[1])->tensor)
        count = entry_of(f, maker->inputs[1])->tensor->shape.rank - 2;
    return count ? count + 2 : 0;
}

/* The norm that each group is one channel of: Reshape to [0, groups, -1], InstanceNormalization by 1 and 0, Reshape to the shape
 * before. */
static const fv_onnx_node *grouped_norm(finder *f, const char *name, const char **x, int64_t *groups) {
    const fv_onnx_node *back = made_by(f, name, "Reshape", 1);
    const fv_onnx_node *norm = back ? made_by(f, back->inputs[0], "InstanceNormalization", 1) : NULL;
    const fv_onnx_node *shape = norm && back->input_count == 2 ? made_by(f, back->inputs[1], "Shape", 1) : NULL;
    const fv_onnx_node *there = shape && norm->input_count == 3 ? made_by(f, norm->inputs[0], "Reshape", 1) : NULL;
    if (!there || there->input_count != 2 || shape->attribute_count || strcmp(shape->inputs[0], there->inputs[0]) != 0)
        return NULL;
    const fv_onnx_tensor *sizes = entry_of(f, there->inputs[1])->tensor;
    int64_t size[3];
    if (!sizes || sizes->dtype != FV_I64 || sizes->count != 3 || fv_onnx_tensor_read(sizes, size, NULL)) return NULL;
    for (int k = 1; k < 3; k++) {
        const fv_onnx_tensor *t = entry_of(f, norm->inputs[k])->tensor;
        float *numbers = t && t->dtype == FV_F32 && (int64_t)t->count == size[1]
                             ? fv_import_memory(f->im, t->count * sizeof *numbers)
                             : NULL;
        if (!numbers || fv_onnx_tensor_read(t, numbers, NULL)) return NULL;
        for (size_t i = 0; i < t->count; i++)
            if (numbers[i] != (k == 1 ? 1.0F : 0.0F)) return NULL;
    }
    *x = there->inputs[0];
    *groups = size[1];
    return size[0] == 0 && size[2] == -1 ? norm : NULL;
}

/* A norm of groups with scale and bias, or scale and bias alone behind what makes pictures. */
static fv_onnx_node *find_affine(finder *f, const fv_onnx_node *last) {
    const char *product, *x;
    int64_t groups;
    for (int rank = 3; rank <= 5; rank++) {
        f->members = 0;
        const char *bias = channels_of(f, last, rank, &product);
        const fv_onnx_node *times = bias ? made_by(f, product, "Mul", 1) : NULL;
        const char *scale = times ? channels_of(f, times, rank, &x) : NULL;
        if (!scale) continue;
        int before = f->members;
        const fv_onnx_node *norm = grouped_norm(f, x, &x, &groups);
        if (!norm) f->members = before;
        if (!norm && rank_of(f, x) != rank) continue;
        fv_onnx_node *node =
            norm ? stand_in(f, last, "", "GroupNormalization", 21, 3) : stand_in(f, last, ours, "Affine", 1, 3);
        if (!node) return NULL;
        node->inputs[0] = x;
        node->inputs[1] = scale;
        node->inputs[2] = bias;
        if (norm) {
            add_attribute(f, node, (fv_onnx_attribute){.name = "num_groups", .kind = FV_ONNX_INT, .whole = groups});
            double epsilon = fv_onnx_float(norm, "epsilon", 1e-5);
            add_attribute(f, node, (fv_onnx_attribute){.name = "epsilon", .kind = FV_ONNX_FLOAT, .number = epsilon});
        }
        return node;
    }
    return NULL;
}

/* A dense layer over many vectors a sample: MatMul by a known matrix, plus a known vector. */
static fv_onnx_node *find_dense(finder *f, const fv_onnx_node *last) {
    for (int k = 0; k < 2 && last->input_count == 2; k++) {
        f->members = 0;
        const fv_onnx_tensor *bias = entry_of(f, last->inputs[k])->tensor;
        const fv_onnx_node *product = bias ? made_by(f, last->inputs[1 - k], "MatMul", 1) : NULL;
        const fv_onnx_tensor *weight = product ? entry_of(f, product->inputs[1])->tensor : NULL;
        if (!weight || weight->dtype != FV_F32 || weight->shape.rank != 2 || bias->dtype != FV_F32 ||
            bias->shape.rank != 1 || bias->shape.dim[0] != weight->shape.dim[1])
            continue;
        fv_onnx_node *node = stand_in(f, last, ours, "Dense", 1, 3);
        if (!node) return NULL;
        node->inputs[0] = product->inputs[0];
        node->inputs[1] = product->inputs[1];
        node->inputs[2] = last->inputs[k];
        return node;
    }
    return NULL;
}

/* ---- LeNet-5's outputs -------------------------------------------------------------------------------------------- */

/* One known whole number. */
static bool whole_is(finder *f, const fv_onnx_node *node, int i, int64_t expected) {
    const fv_onnx_tensor *t = node->input_count > i ? entry_of(f, node->inputs[i])->tensor : NULL;
    int64_t got;
    return t && t->dtype == FV_I64 && t->count == 1 && !fv_onnx_tensor_read(t, &got, NULL) && got == expected;
}

/* sum over i of (x_i - w_ij)^2 */
static fv_onnx_node *find_distances(finder *f, const fv_onnx_node *last) {
    if (fv_onnx_int(last, "keepdims", 1) || !whole_is(f, last, 1, 1)) return NULL;
    const fv_onnx_node *square = made_by(f, last->inputs[0], "Mul", 1);
    if (!square || strcmp(square->inputs[0], square->inputs[1]) != 0) return NULL;
    const fv_onnx_node *apart = made_by(f, square->inputs[0], "Sub", 2);
    const fv_onnx_node *column = apart ? made_by(f, apart->inputs[0], "Unsqueeze", 1) : NULL;
    const fv_onnx_tensor *codes = column ? entry_of(f, apart->inputs[1])->tensor : NULL;
    if (!codes || codes->shape.rank != 2 || codes->dtype != FV_F32 || !whole_is(f, column, 1, 2)) return NULL;
    fv_onnx_node *node = stand_in(f, last, ours, "Distances", 1, 2);
    if (!node) return NULL;
    node->inputs[0] = column->inputs[0];
    node->inputs[1] = apart->inputs[1];
    return node;
}

/* ---- all of them -------------------------------------------------------------------------------------------------- */

fv_status fv_import_find_patterns(fv_import *im) {
    finder f = {.im = im};
    int count = fv_onnx_node_count(im->file);
    im->instead = fv_import_memory(im, (size_t)(count + 1) * sizeof *im->instead);
    im->passed_over = fv_import_memory(im, (size_t)(count + 1) * sizeof *im->passed_over);
    if (!im->instead || !im->passed_over || !index_names(&f)) return fv_fail_memory(im->error, "an import", 0);
    for (int n = count - 1; n >= 0; n--) {
        const fv_onnx_node *node = fv_onnx_node_at(im->file, n);
        fv_onnx_node *found = NULL;
        f.members = 0;
        if (im->passed_over[n] || node->output_count != 1) continue;
        if (is_op(node, "Mul")) found = find_product(&f, node);
        if (is_op(node, "Add")) found = find_dense(&f, node);
        if (is_op(node, "Add") && !found) found = find_affine(&f, node);
        if (is_op(node, "ReduceSum")) found = find_distances(&f, node);
        if (!found) continue;
        im->instead[n] = found;
        for (int m = 0; m < f.members; m++) im->passed_over[f.member[m]->index] = true;
    }
    fv_free(f.entries);
    return FV_OK;
}
