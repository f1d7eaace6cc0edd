/* losses.c - which loss a net gets, and how its answer is to be read because of it. Losses are operators of the net; a
 * run that is not asked for them leaves them out. */
#include <string.h>

#include "train.h"

/* What training knows about the losses among the operators. */
typedef struct loss_kind {
    const char *op;
    fv_answer answer;
    bool classes;         /* the target is class numbers */
    bool shares;          /* or distributions over the classes */
    const char *keras[3]; /* what Keras calls it */
} loss_kind;
static const loss_kind kinds[] = {
    {"crossentropy", FV_ANSWER_LOGITS, true, true, {"sparse_categorical_crossentropy", "categorical_crossentropy"}},
    {"rbf_loss", FV_ANSWER_DISTANCES, true, false, {NULL}},
    {"binary_crossentropy", FV_ANSWER_BINARY, false, false, {NULL}},
    {"mse", FV_ANSWER_NUMBERS, false, false, {"mean_squared_error"}},
    {"mae", FV_ANSWER_NUMBERS, false, false, {"mean_absolute_error"}},
    {"hinge", FV_ANSWER_NUMBERS, false, false, {NULL}},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* A user's own loss is like mse: numbers against numbers. */
static loss_kind kind_of(const char *op) {
    for (int k = 0; k < KINDS; k++)
        if (!strcmp(kinds[k].op, op)) return kinds[k];
    return (loss_kind){.op = op, .answer = FV_ANSWER_NUMBERS};
}

static const char *without_keras(const char *name) {
    for (int k = 0; k < KINDS; k++)
        for (int i = 0; i < 3 && kinds[k].keras[i]; i++)
            if (!strcmp(kinds[k].keras[i], name)) return kinds[k].op;
    return name;
}

/* ---- what the net has ------------------------------------------------------------------------------------------- */

/* The application behind a loss that is not the penalty of a regularizer, or -1. */
static int main_node(const fv_net *net, int loss) {
    const fv_value_info *value = &net->values[net->losses[loss].value];
    bool penalty = value->kind == FV_KIND_RESULT && !strcmp(net->nodes[value->node].op->name, "penalty");
    return value->kind == FV_KIND_RESULT && !penalty ? value->node : -1;
}

int fv_main_loss(const fv_net *net) {
    for (int i = 0; i < net->loss_count; i++)
        if (main_node(net, i) >= 0) return main_node(net, i);
    return -1;
}

const char *fv_main_loss_name(const fv_net *net) {
    int node = fv_main_loss(net);
    return node < 0 ? NULL : net->nodes[node].op->name;
}

static const fv_op *op_behind(const fv_net *net, int value) {
    return value >= 0 && net->values[value].kind == FV_KIND_RESULT ? net->nodes[net->values[value].node].op : NULL;
}

static int64_t columns_of(const fv_net *net, int value) {
    const fv_shape *shape = &net->values[value].type.shape;
    return shape->rank > 1 ? shape->dim[shape->rank - 1] : 1;
}

/* Of the operators that turn logits into probabilities, softmax looks at a whole row, sigmoid at single numbers. */
static bool ends_in_sigmoid(const fv_net *net) {
    const fv_op *op = op_behind(net, fv_net_output_value(net));
    return op && op->logits_input && (op->traits & FV_T_ELEMENTWISE);
}

static const char *usual_loss(const fv_net *net, const fv_data_field *target) {
    int output = fv_net_output_value(net), logits = fv_net_logits_value(net);
    const fv_op *op = op_behind(net, output);
    bool numbers = target && (target->dtype == FV_F32 || target->dtype == FV_F64);
    if (op && !strcmp(op->name, "rbf") && !numbers) return "rbf_loss";
    if (ends_in_sigmoid(net)) return "binary_crossentropy";
    if (numbers) return output != logits ? "crossentropy" : "mse";
    if (columns_of(net, output) == 1) return target ? "binary_crossentropy" : "mse";
    return "crossentropy";
}

/* What a loss of this kind reads: logits where the net ends in the operator that the loss holds within itself. */
static int prediction_of(const fv_net *net, const loss_kind *kind) {
    bool sigmoid = ends_in_sigmoid(net);
    bool logits = kind->answer == FV_ANSWER_BINARY ? sigmoid : kind->answer == FV_ANSWER_LOGITS && !sigmoid;
    return logits ? fv_net_logits_value(net) : fv_net_output_value(net);
}

fv_reading fv_net_reading(const fv_net *net) {
    const char *name = fv_main_loss_name(net);
    loss_kind kind = kind_of(name ? name : usual_loss(net, NULL));
    fv_reading reading = {
        .answer = kind.answer, .output = fv_net_output_value(net), .scores = prediction_of(net, &kind)};
    reading.middle = kind.answer == FV_ANSWER_BINARY || !strcmp(kind.op, "hinge") ? 0 : 0.5;
    return reading;
}

/* ---- what it gets ----------------------------------------------------------------------------------------------- */

static const fv_op *find_loss(const fv_net *net, const char *name, fv_error *error) {
    const fv_op *op = fv_net_find_op(net, name);
    if (op && (op->traits & FV_T_LOSS) && strcmp(name, "penalty")) return op;
    const char *near = fv_nearest(name, kinds, sizeof kinds[0], KINDS);
    fv_fail(error, FV_E_ARGUMENT, "unknown loss '%s'; %s%s%s", name, near ? "did you mean '" : "there are ",
            near ? near : "crossentropy, binary_crossentropy, mse, mae, hinge, rbf_loss", near ? "'?" : "");
    return NULL;
}

/* The type of the target: a class number for every row of answers, or a number for every number. */
static fv_type target_type(const fv_net *net, const loss_kind *kind, int prediction, const fv_data_field *target) {
    fv_type type = net->values[prediction].type;
    int64_t each = fv_type_each(&type);
    bool distribution =
        target && (target->dtype == FV_F32 || target->dtype == FV_F64) && fv_shape_count(&target->shape) == each;
    if (kind->classes && !distribution && type.shape.rank > 1) {
        type.dtype = FV_I32;
        type.shape.rank--;
    }
    return type;
}

static char *text_of_fields(const fv_op *op, const void *fields) {
    fv_text text = {0};
    fv_text_add(&text, op->name);
    fv_text_add(&text, " ");
    fv_fields_to_text(op, fields, &text);
    return fv_text_take(&text);
}

/* Is this very loss of this very value the only one already? */
static bool has_loss(const fv_net *net, const fv_op *op, const fv_argument *arguments, int count, int prediction,
                     const fv_type *type) {
    int node = -1, mains = 0;
    for (int i = 0; i < net->loss_count; i++)
        if (main_node(net, i) >= 0) node = main_node(net, i), mains++;
    if (mains != 1 || net->nodes[node].op != op || net->nodes[node].value_in[0] != prediction) return false;
    if (net->nodes[node].inputs > 1) {
        const fv_type *target = &net->values[net->nodes[node].value_in[1]].type;
        if (target->dtype != type->dtype || !fv_shape_equal(&target->shape, &type->shape)) return false;
    }
    fv_arena *arena = fv_arena_new();
    void *fields = arena ? fv_arena_take(arena, op->fields_size + 1) : NULL;
    bool same = fields && !fv_fields_from_arguments(op, arguments, count, arena, fields, NULL);
    char *wanted = same ? text_of_fields(op, fields) : NULL,
         *there = same ? text_of_fields(op, net->nodes[node].fields) : NULL;
    same = wanted && there && !strcmp(wanted, there);
    fv_free(wanted), fv_free(there);
    fv_arena_free(arena);
    return same;
}

static void drop_losses(fv_net *net) {
    int kept = 0;
    for (int i = 0; i < net->loss_count; i++)
        if (main_node(net, i) < 0) net->losses[kept++] = net->losses[i];
    net->loss_count = kept;
}

static fv_status apply_loss(fv_net *net, const fv_op *op, const fv_argument *arguments, int count, int prediction,
                            const fv_type *type, bool classes, fv_error *error) {
    fv_arena *arena = fv_arena_new(); /* the fields are checked before anything is taken away */
    void *fields = arena ? fv_arena_take(arena, op->fields_size + 1) : NULL;
    fv_status status = fields ? fv_fields_from_arguments(op, arguments, count, arena, fields, error)
                              : fv_fail_memory(error, "a loss", op->fields_size);
    fv_arena_free(arena);
    if (status) return status;
    drop_losses(net);
    int target = fv_net_target(net, classes && type->dtype == FV_I32 ? "class" : "target", type);
    if (target < 0) return fv_net_check(net, error) ? FV_E_SHAPE : fv_fail_memory(error, "a target", 0);
    fv_value inputs[2] = {{net, prediction}, {net, target}};
    fv_value loss = fv_net_apply(net, op, NULL, inputs, 2, arguments, count, error);
    if (loss.id < 0) return FV_E_SHAPE;
    fv_add_loss(loss, 1);
    return fv_net_check(net, error);
}

fv_status fv_set_loss(fv_net *net, const char *text, const fv_data_field *target, fv_error *error) {
    if (!text && fv_main_loss(net) >= 0) return FV_OK;
    int output = fv_net_output_value(net);
    if (output < 0) return fv_fail(error, FV_E_ARGUMENT, "loss: the net has no output");
    fv_spec spec;
    fv_status status = fv_spec_parse(text ? text : usual_loss(net, target), "loss", &spec, error);
    if (status) return status;
    const fv_op *op = find_loss(net, without_keras(spec.name), error);
    if (!op) return FV_E_ARGUMENT;
    fv_argument arguments[FV_SPEC_ARGUMENTS] = {{0}};
    for (int i = 0; i < spec.count; i++)
        arguments[i] = (fv_argument){.key = spec.key[i][0] ? spec.key[i] : NULL, .value = spec.value[i]};
    loss_kind kind = kind_of(op->name);
    int prediction = prediction_of(net, &kind);
    fv_type type = target_type(net, &kind, prediction, target);
    if (has_loss(net, op, arguments, spec.count, prediction, &type)) return FV_OK;
    return apply_loss(net, op, arguments, spec.count, prediction, &type, kind.classes, error);
}

/* ---- labels that are mixed -------------------------------------------------------------------------------------- */

/* The loss as a choice in text: "crossentropy(smoothing=0.1)". */
static char *choice_of(const fv_node *node) {
    fv_text text = {0}, fields = {0};
    fv_fields_to_text(node->op, node->fields, &fields);
    for (char *c = fields.data; c && *c; c++)
        if (*c == ' ') *c = ',';
    fv_text_printf(&text, "%s(%s)", node->op->name, fields.data ? fields.data : "");
    text.failed |= fields.failed;
    fv_text_free(&fields);
    return fv_text_take(&text);
}

fv_status fv_loss_takes_shares(fv_net *net, fv_error *error) {
    int place = -1, mains = 0;
    for (int i = 0; i < net->loss_count; i++)
        if (main_node(net, i) >= 0) place = i, mains++;
    if (mains != 1)
        return fv_fail(error, FV_E_UNSUPPORTED, "mixed labels: expected a net with one loss, it has %d", mains);
    const fv_node *node = &net->nodes[main_node(net, place)];
    loss_kind kind = kind_of(node->op->name);
    if (!kind.classes || (node->inputs > 1 && net->values[node->value_in[1]].type.dtype == FV_F32)) return FV_OK;
    if (!kind.shares)
        return fv_fail(error, FV_E_UNSUPPORTED, "mixed labels: the loss %s takes class numbers alone", kind.op);
    fv_data_field shares = {.name = "target", .dtype = FV_F32, .target = true};
    const fv_shape *shape = &net->values[prediction_of(net, &kind)].type.shape;
    for (int d = 1; d < shape->rank; d++) shares.shape.dim[shares.shape.rank++] = shape->dim[d];
    double weight = net->losses[place].weight;
    char *choice = choice_of(node);
    fv_status status = choice ? fv_set_loss(net, choice, &shares, error) : fv_fail_memory(error, "a loss", 64);
    fv_free(choice);
    if (!status) net->losses[net->loss_count - 1].weight = weight;
    return status;
}
