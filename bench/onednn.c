/* onednn.c - convolutions of oneDNN (C interface of version 2) with drawn numbers in formats of its own choice. */
#include "onednn.h"

#include <oneapi/dnnl/dnnl.h>
#include <omp.h>
#include <stdlib.h>

enum { MAX_OPERANDS = 4 };
struct onednn {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_desc_t forward, description; /* the backward ones are described by the forward one */
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t operands[MAX_OPERANDS];
    int count;
};

/* ---- descriptions ------------------------------------------------------------------------------------------------ */

typedef struct shapes {
    dnnl_memory_desc_t x, w, bias, y;
    dnnl_dims_t stride, pad, behind;
} shapes;

static shapes shapes_of(const onednn_layer *l) {
    shapes s = {.stride = {l->stride, l->stride}, .pad = {l->pad, l->pad}};
    for (int d = 0; d < 2; d++) s.behind[d] = (l->out - 1) * l->stride + l->kernel - l->in - l->pad;
    dnnl_memory_desc_init_by_tag(&s.x, 4, (dnnl_dims_t){l->n, l->c, l->in, l->in}, dnnl_f32, dnnl_format_tag_any);
    dnnl_memory_desc_init_by_tag(&s.y, 4, (dnnl_dims_t){l->n, l->f, l->out, l->out}, dnnl_f32, dnnl_format_tag_any);
    dnnl_memory_desc_init_by_tag(&s.bias, 1, (dnnl_dims_t){l->f}, dnnl_f32, dnnl_format_tag_any);
    if (l->groups > 1)
        dnnl_memory_desc_init_by_tag(&s.w, 5,
                                     (dnnl_dims_t){l->groups, l->f / l->groups, l->c / l->groups, l->kernel, l->kernel},
                                     dnnl_f32, dnnl_format_tag_any);
    else
        dnnl_memory_desc_init_by_tag(&s.w, 4, (dnnl_dims_t){l->f, l->c, l->kernel, l->kernel}, dnnl_f32,
                                     dnnl_format_tag_any);
    return s;
}

static bool describe(onednn *o, onednn_pass pass, const onednn_layer *layer, dnnl_alg_kind_t algorithm) {
    const shapes s = shapes_of(layer);
    dnnl_convolution_desc_t d;
    if (dnnl_convolution_forward_desc_init(&d, dnnl_forward_training, algorithm, &s.x, &s.w, &s.bias, &s.y, s.stride,
                                           s.pad, s.behind) ||
        dnnl_primitive_desc_create(pass == ONEDNN_FORWARD ? &o->description : &o->forward, &d, NULL, o->engine, NULL))
        return false;
    if (pass == ONEDNN_FORWARD) return true;
    dnnl_status_t status =
        pass == ONEDNN_DATA
            ? dnnl_convolution_backward_data_desc_init(&d, algorithm, &s.x, &s.w, &s.y, s.stride, s.pad, s.behind)
            : dnnl_convolution_backward_weights_desc_init(&d, algorithm, &s.x, &s.w, &s.bias, &s.y, s.stride, s.pad,
                                                          s.behind);
    return !status && !dnnl_primitive_desc_create(&o->description, &d, NULL, o->engine, o->forward);
}

/* ---- operands ---------------------------------------------------------------------------------------------------- */

/* `index` 1 of the weights is the bias. */
static bool add_operand(onednn *o, int argument, dnnl_query_t what, int index) {
    const dnnl_memory_desc_t *description = dnnl_primitive_desc_query_md(o->description, what, index);
    dnnl_memory_t memory;
    void *numbers = NULL;
    if (!description || dnnl_memory_create(&memory, description, o->engine, DNNL_MEMORY_ALLOCATE)) return false;
    o->operands[o->count++] = (dnnl_exec_arg_t){argument, memory};
    if (dnnl_memory_get_data_handle(memory, &numbers)) return false;
    const size_t count = dnnl_memory_desc_get_size(description) / sizeof(float);
    for (size_t i = 0; i < count; i++) ((float *)numbers)[i] = (float)((i * 7919) % 17) * 0.125f - 1;
    return true;
}

static bool add_operands(onednn *o, onednn_pass pass) {
    switch (pass) {
    case ONEDNN_FORWARD:
        return add_operand(o, DNNL_ARG_SRC, dnnl_query_src_md, 0) &&
               add_operand(o, DNNL_ARG_WEIGHTS, dnnl_query_weights_md, 0) &&
               add_operand(o, DNNL_ARG_BIAS, dnnl_query_weights_md, 1) &&
               add_operand(o, DNNL_ARG_DST, dnnl_query_dst_md, 0);
    case ONEDNN_DATA:
        return add_operand(o, DNNL_ARG_DIFF_SRC, dnnl_query_diff_src_md, 0) &&
               add_operand(o, DNNL_ARG_WEIGHTS, dnnl_query_weights_md, 0) &&
               add_operand(o, DNNL_ARG_DIFF_DST, dnnl_query_diff_dst_md, 0);
    case ONEDNN_WEIGHTS: break;
    }
    return add_operand(o, DNNL_ARG_SRC, dnnl_query_src_md, 0) &&
           add_operand(o, DNNL_ARG_DIFF_WEIGHTS, dnnl_query_diff_weights_md, 0) &&
           add_operand(o, DNNL_ARG_DIFF_BIAS, dnnl_query_diff_weights_md, 1) &&
           add_operand(o, DNNL_ARG_DIFF_DST, dnnl_query_diff_dst_md, 0);
}

/* ---- use --------------------------------------------------------------------------------------------------------- */

onednn *onednn_new(onednn_pass pass, const onednn_layer *layer, bool winograd, int threads) {
    onednn *o = calloc(1, sizeof *o);
    if (!o) return NULL;
    omp_set_num_threads(threads);
    const dnnl_alg_kind_t algorithm = winograd ? dnnl_convolution_winograd : dnnl_convolution_direct;
    const bool made = !dnnl_engine_create(&o->engine, dnnl_cpu, 0) &&
                      !dnnl_stream_create(&o->stream, o->engine, dnnl_stream_default_flags) &&
                      describe(o, pass, layer, algorithm) && !dnnl_primitive_create(&o->primitive, o->description) &&
                      add_operands(o, pass);
    if (made) return o;
    onednn_free(o);
    return NULL;
}

void onednn_run(void *self) {
    onednn *o = self;
    if (dnnl_primitive_execute(o->primitive, o->stream, o->count, o->operands) || dnnl_stream_wait(o->stream)) abort();
}

void onednn_free(onednn *o) {
    if (!o) return;
    for (int i = 0; i < o->count; i++) dnnl_memory_destroy(o->operands[i].memory);
    if (o->primitive) dnnl_primitive_destroy(o->primitive);
    if (o->description) dnnl_primitive_desc_destroy(o->description);
    if (o->forward) dnnl_primitive_desc_destroy(o->forward);
    if (o->stream) dnnl_stream_destroy(o->stream);
    if (o->engine) dnnl_engine_destroy(o->engine);
    free(o);
}
