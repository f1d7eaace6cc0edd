/* rules_places.c - numbers picked by index or by order: gathering, scattering, the first few, one-hot rows, boxes. */
#include "plan.h"
#include "rules_moves.h"

#include <stdio.h>
#include <string.h>

/* ---- indices ---------------------------------------------------------------------------------------------------------- */

/* An index that is known must lie inside; tuple number k counts along size[k] (0 or less: unknown). */
static fv_status check_index(fv_import *im, const fv_onnx_node *node, int i, const int64_t *size, int64_t tuple) {
    fv_imported index;
    fv_tensor t;
    fv_status status = fv_import_operand(im, node, i, &index);
    if (status || !index.known || index.known->at[0]) return status;
    if (index.dtype != FV_I32 && index.dtype != FV_I64)
        return fv_import_wrong(im, node, "indices of type %s", fv_dtype_name(index.dtype));
    if ((status = fv_import_tensor(im, node, i, "indices", &t))) return status;
    for (int64_t k = 0; k < fv_shape_count(&t.shape); k++) {
        int64_t at = t.dtype == FV_I64 ? ((const int64_t *)t.data)[k] : ((const int32_t *)t.data)[k],
                of = size[k % tuple];
        if (of >= 0 && (at < -of || at >= of))
            return fv_import_wrong(im, node, "index %lld of an axis of %lld", (long long)at, (long long)of);
    }
    return FV_OK;
}

/* Operands 0 .. count-1 as ONNX lays them out. */
static fv_status in_order(fv_import *im, const fv_onnx_node *node, int count, fv_imported *x, fv_value *values) {
    fv_status status = FV_OK;
    for (int i = 0; i < count && !status; i++) {
        status = fv_import_value(im, node, i, FV_ORDER_ONNX, &x[i]);
        values[i] = x[i].value;
    }
    return status;
}

/* ---- gathered --------------------------------------------------------------------------------------------------------- */

/* Indices of rank 1 leave the axes where they are, so the table may lie as it likes. */
fv_status fv_rule_gather(fv_import *im, const fv_onnx_node *node) {
    fv_imported x, index;
    int axis;
    fv_value y;
    fv_status status = fv_import_value(im, node, 1, FV_ORDER_ONNX, &index);
    if (!status) status = fv_import_value(im, node, 0, index.shape.rank == 1 ? FV_ORDER_ANY : FV_ORDER_ONNX, &x);
    if (!status) status = fv_import_axis(im, node, fv_onnx_int(node, "axis", 0), x.shape.rank, &axis);
    if (!status) status = check_index(im, node, 1, &x.shape.dim[axis], 1);
    if (status) return status;
    if (fv_onnx_batched(&x) && (axis == 0 || fv_onnx_batched(&index)))
        return fv_import_mixes(im, node, "samples are picked");
    if (fv_onnx_batched(&index) && axis != 0) return fv_import_mixes(im, node, "the batch would not stay in front");
    status = fv_import_apply(im, node, &y, "gather", (fv_value[]){x.value, index.value}, 2, "axis=%d",
                             fv_import_axis_in(&x, axis));
    return status ? status : fv_import_bind(im, node, 0, y, x.last);
}

fv_status fv_rule_gather_elements(fv_import *im, const fv_onnx_node *node) {
    fv_imported x[2];
    fv_value values[2], y;
    int axis;
    fv_status status = in_order(im, node, 2, x, values);
    if (!status) status = fv_import_axis(im, node, fv_onnx_int(node, "axis", 0), x[0].shape.rank, &axis);
    if (!status) status = check_index(im, node, 1, &x[0].shape.dim[axis], 1);
    if (status) return status;
    if (fv_onnx_batched(&x[0]) != fv_onnx_batched(&x[1]) || (fv_onnx_batched(&x[0]) && axis == 0))
        return fv_import_mixes(im, node, "samples are picked");
    status = fv_import_apply(im, node, &y, "gather_elements", values, 2, "axis=%d", axis);
    return status ? status : fv_import_bind(im, node, 0, y, false);
}

/* How many numbers an index of tuples has, checked against the value's rank. */
static fv_status tuple_of(fv_import *im, const fv_onnx_node *node, const fv_imported *x, const fv_imported *index,
                          int64_t lead, int64_t *tuple) {
    int rank = index->shape.rank;
    *tuple = rank > 0 ? index->shape.dim[rank - 1] : 0;
    if (lead >= 0 && lead < rank && *tuple >= 1 && lead + *tuple <= x->shape.rank)
        return check_index(im, node, 1, x->shape.dim + lead, *tuple);
    return fv_import_wrong(im, node, "tuples of %lld numbers behind %lld axes of a value of rank %d", (long long)*tuple,
                           (long long)lead, x->shape.rank);
}

fv_status fv_rule_gather_nd(fv_import *im, const fv_onnx_node *node) {
    fv_imported x[2];
    fv_value values[2], y;
    int64_t lead = fv_onnx_int(node, "batch_dims", 0), tuple;
    fv_status status = in_order(im, node, 2, x, values);
    if (!status) status = tuple_of(im, node, &x[0], &x[1], lead, &tuple);
    if (status) return status;
    if (fv_onnx_batched(&x[0]) && (lead == 0 || !fv_onnx_batched(&x[1])))
        return fv_import_mixes(im, node, "samples are picked");
    status = fv_import_apply(im, node, &y, "gather_nd", values, 2, "lead=%lld", (long long)lead);
    return status ? status : fv_import_bind(im, node, 0, y, false);
}

/* ---- scattered -------------------------------------------------------------------------------------------------------- */

static fv_status reduction_of(fv_import *im, const fv_onnx_node *node, const char **out) {
    static const char *const known[] = {"none", "add", "mul", "max", "min"};
    *out = fv_onnx_text(node, "reduction", "none");
    for (int i = 0; i < 5; i++)
        if (!strcmp(known[i], *out)) return FV_OK;
    return fv_import_refuse(im, node, "reduction \"%.20s\"", *out);
}

fv_status fv_rule_scatter_elements(fv_import *im, const fv_onnx_node *node) {
    fv_imported x[3];
    fv_value values[3], y;
    const char *reduction;
    int axis;
    fv_status status = in_order(im, node, 3, x, values);
    if (!status) status = reduction_of(im, node, &reduction);
    if (!status) status = fv_import_axis(im, node, fv_onnx_int(node, "axis", 0), x[0].shape.rank, &axis);
    if (!status) status = check_index(im, node, 1, &x[0].shape.dim[axis], 1);
    if (status) return status;
    bool batched = fv_onnx_batched(&x[0]);
    if (batched != fv_onnx_batched(&x[1]) || batched != fv_onnx_batched(&x[2]) || (batched && axis == 0))
        return fv_import_mixes(im, node, "samples are written into");
    status = fv_import_apply(im, node, &y, "scatter_elements", values, 3, "axis=%d reduction=%s", axis, reduction);
    return status ? status : fv_import_bind(im, node, 0, y, false);
}

fv_status fv_rule_scatter_nd(fv_import *im, const fv_onnx_node *node) {
    fv_imported x[3];
    fv_value values[3], y;
    const char *reduction;
    int64_t tuple;
    fv_status status = in_order(im, node, 3, x, values);
    if (!status) status = reduction_of(im, node, &reduction);
    if (!status) status = tuple_of(im, node, &x[0], &x[1], 0, &tuple);
    if (status) return status;
    for (int i = 0; i < 3; i++)
        if (fv_onnx_batched(&x[i])) return fv_import_mixes(im, node, "samples are written into");
    status = fv_import_apply(im, node, &y, "scatter_nd", values, 3, "reduction=%s", reduction);
    return status ? status : fv_import_bind(im, node, 0, y, false);
}

/* ---- by order --------------------------------------------------------------------------------------------------------- */

fv_status fv_rule_top_k(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    int64_t k = fv_onnx_int(node, "k", -1);
    int axis, count;
    fv_value y;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ANY, &x);
    if (!status && node->version >= 10) status = fv_import_ints(im, node, 1, "k", &k, 1, &count);
    if (!status) status = fv_import_axis(im, node, fv_onnx_int(node, "axis", -1), x.shape.rank, &axis);
    if (status) return status;
    if (fv_onnx_batched(&x) && axis == 0) return fv_import_mixes(im, node, "samples are ordered");
    if (k < 0 || (x.shape.dim[axis] >= 0 && k > x.shape.dim[axis]))
        return fv_import_wrong(im, node, "k %lld of an axis of %lld", (long long)k, (long long)x.shape.dim[axis]);
    status = fv_import_apply(im, node, &y, "top", &x.value, 1, "k=%lld axis=%d least=%s", (long long)k,
                             fv_import_axis_in(&x, axis), fv_onnx_int(node, "largest", 1) ? "no" : "yes");
    for (int i = 0; i < 2 && !status; i++) status = fv_import_bind(im, node, i, fv_output_of(y, i), x.last);
    return status;
}

fv_status fv_rule_one_hot(fv_import *im, const fv_onnx_node *node) {
    fv_imported index, values;
    double depth;
    int axis;
    fv_value y;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ONNX, &index);
    if (!status) status = fv_import_value(im, node, 2, FV_ORDER_ONNX, &values);
    if (!status) status = fv_import_number(im, node, 1, "depth", &depth);
    if (!status) status = fv_import_axis(im, node, fv_onnx_int(node, "axis", -1), index.shape.rank + 1, &axis);
    if (status) return status;
    if (!(depth >= 1 && depth <= 1e9)) return fv_import_wrong(im, node, "depth %g", depth);
    if (fv_onnx_batched(&index) && axis == 0) return fv_import_mixes(im, node, "classes in front of the batch");
    if (index.dtype != FV_I32 && index.dtype != FV_I64)
        status = fv_import_apply(im, node, &index.value, "cast", &index.value, 1, "i64");
    if (!status)
        status = fv_import_apply(im, node, &y, "one_hot", (fv_value[]){index.value, values.value}, 2,
                                 "depth=%lld axis=%d", (long long)depth, axis);
    return status ? status : fv_import_bind(im, node, 0, y, false);
}

/* ---- boxes ------------------------------------------------------------------------------------------------------------ */

/* The rows that the operator chooses for these boxes and scores, by running it. */
static fv_status choose_boxes(fv_import *im, const fv_onnx_node *node, const fv_tensor in[2], const char *fields,
                              fv_error *reason) {
    fv_net *net = fv_net_new();
    fv_value x[2];
    const char *const names[2] = {"boxes", "scores"};
    if (!net) return fv_import_refuse(im, node, "boxes that do not fit into memory");
    for (int i = 0; i < 2; i++)
        x[i] = fv_input(net, .name = names[i], .shape = in[i].shape, .no_batch = true, .dtype = in[i].dtype);
    fv_value chosen = fv_apply(net, "nms", x, 2, fields, reason);
    const int wanted[2] = {chosen.id, fv_output_of(chosen, 1).id};
    const fv_plan_options options = {.batch = 1, .wanted = wanted, .wanted_count = 2, .threads = 1};
    fv_run *run = chosen.id >= 0 ? fv_run_build(net, NULL, &options, reason) : NULL;
    fv_status status = run ? FV_OK : fv_import_refuse(im, node, "%.200s", reason->message);
    for (int i = 0; i < 2 && !status; i++)
        memcpy(fv_run_value(run, x[i]).data, in[i].data, (size_t)fv_shape_count(&in[i].shape) * sizeof(float));
    if (!status && fv_run_go(run, 1, reason)) status = fv_import_refuse(im, node, "%.200s", reason->message);
    if (!status) {
        fv_shape shape = {2, {*(const int64_t *)fv_run_value(run, fv_output_of(chosen, 1)).data, 3}};
        status = fv_import_bind_known(im, node, 0, FV_I64, &shape, fv_run_value(run, chosen).data);
    }
    fv_run_free(run);
    fv_net_free(net);
    return status;
}

/* How many boxes come out depends on the numbers: they must be known. */
fv_status fv_rule_non_max_suppression(fv_import *im, const fv_onnx_node *node) {
    static const char *const names[] = {"boxes", "scores", "max_output_boxes_per_class", "iou_threshold",
                                        "score_threshold"};
    fv_tensor in[2];
    double number[5] = {0, 0, 0, 0, -1e30};
    char fields[160];
    fv_error reason = {0};
    fv_status status = FV_OK;
    for (int i = 0; i < 5 && !status; i++) {
        if (!fv_import_has(node, i)) continue;
        status = i < 2 ? fv_import_tensor(im, node, i, names[i], &in[i])
                       : fv_import_number(im, node, i, names[i], &number[i]);
    }
    if (status) return status;
    if (!fv_import_has(node, 1)) return fv_import_wrong(im, node, "no scores");
    if (in[0].dtype != FV_F32 || in[1].dtype != FV_F32)
        return fv_import_wrong(im, node, "boxes and scores must be reals");
    double most = number[2] < 0 ? 0 : number[2] > 1e9 ? 1e9 : number[2];
    int64_t rows = most < 1 ? 0 : fv_shape_count(&in[0].shape) * fv_shape_count(&in[1].shape);
    if (rows == 0) return fv_import_bind_known(im, node, 0, FV_I64, &(fv_shape){2, {0, 3}}, &rows);
    if (!(number[3] >= 0 && number[3] <= 1)) return fv_import_wrong(im, node, "iou_threshold %g", number[3]);
    snprintf(fields, sizeof fields, "most=%lld overlap=%.9g score=%.9g centred=%s", (long long)most, number[3],
             number[4], fv_onnx_int(node, "center_point_box", 0) ? "yes" : "no");
    return choose_boxes(im, node, in, fields, &reason);
}

/* ---- sequences backwards ---------------------------------------------------------------------------------------------- */

/* Tuples (step) for each sample and step: the first lengths[i] of them backwards. */
static int64_t *reversed_steps(fv_import *im, const fv_tensor *lengths, int64_t samples, int64_t steps) {
    int64_t *out = fv_import_memory(im, (size_t)samples * (size_t)steps * sizeof *out + 1);
    for (int64_t i = 0; out && i < samples * steps; i++) {
        int64_t k = i / steps, at = i % steps;
        int64_t length =
            lengths->dtype == FV_I64 ? ((const int64_t *)lengths->data)[k] : ((const int32_t *)lengths->data)[k];
        out[i] = at < length && length <= steps ? length - 1 - at : at;
    }
    return out;
}

/* Samples in front, steps behind them, picked by number, and back: the two axes trade places if they have to. */
fv_status fv_rule_reverse_sequence(fv_import *im, const fv_onnx_node *node) {
    fv_imported x;
    fv_tensor lengths;
    int64_t time = fv_onnx_int(node, "time_axis", 0), batch = fv_onnx_int(node, "batch_axis", 1), order[FV_MAX_RANK];
    fv_value index, y;
    fv_status status = fv_import_value(im, node, 0, FV_ORDER_ONNX, &x);
    if (!status) status = fv_import_tensor(im, node, 1, "sequence_lens", &lengths);
    if (status) return status;
    if (fv_onnx_batched(&x)) return fv_import_mixes(im, node, "each sample has a length of its own");
    if (x.shape.rank < 2 || time + batch != 1 || time < 0 || batch < 0)
        return fv_import_wrong(im, node, "time_axis and batch_axis must be 0 and 1");
    int64_t samples = x.shape.dim[batch], steps = x.shape.dim[time];
    if (samples < 0 || steps < 0) return fv_import_refuse(im, node, "open sizes");
    if ((lengths.dtype != FV_I64 && lengths.dtype != FV_I32) || fv_shape_count(&lengths.shape) != samples)
        return fv_import_wrong(im, node, "sequence_lens must be a whole number for each of %lld samples",
                               (long long)samples);
    int64_t *table = reversed_steps(im, &lengths, samples, steps);
    fv_known *known = table ? fv_import_new_known(im, FV_I64, &(fv_shape){3, {samples, steps, 1}}, table) : NULL;
    if (!known) return fv_import_refuse(im, node, "a value that does not fit into memory");
    for (int d = 0; d < x.shape.rank; d++) order[d] = d < 2 && time == 0 ? 1 - d : d;
    status = fv_import_constant(im, node, known, NULL, &index);
    if (!status && time == 0) status = fv_onnx_turn(im, node, &x.value, order, x.shape.rank);
    if (!status) status = fv_import_apply(im, node, &y, "gather_nd", (fv_value[]){x.value, index}, 2, "lead=1");
    if (!status && time == 0) status = fv_onnx_turn(im, node, &y, order, x.shape.rank);
    return status ? status : fv_import_bind(im, node, 0, y, false);
}
