/* rules_window.c - kernel_shape, strides, pads, dilations and auto_pad into our fields. */
#include "rules_window.h"

#include <stdio.h>
#include <string.h>

/* A list with one number for each spatial dimension (twice as many for pads), or the default where it is not there. */
static fv_status read_list(fv_import *im, const fv_onnx_node *node, const char *name, int expected, int64_t least,
                           int64_t standard, int64_t *out) {
    int count;
    const int64_t *given = fv_onnx_ints(node, name, &count);
    for (int i = 0; i < expected; i++) out[i] = standard;
    if (!given || count == 0) return FV_OK;
    if (count != expected) return fv_import_wrong(im, node, "%s: expected %d numbers, got %d", name, expected, count);
    for (int i = 0; i < count; i++) {
        if (given[i] < least || given[i] > 1000000000)
            return fv_import_wrong(im, node, "%s: expected at least %lld and at most 1e9, got %lld", name,
                                   (long long)least, (long long)given[i]);
        out[i] = given[i];
    }
    return FV_OK;
}

static fv_status read_padding(fv_import *im, const fv_onnx_node *node, fv_onnx_window *w) {
    const char *word = fv_onnx_text(node, "auto_pad", "NOTSET");
    int64_t pads[2 * FV_ONNX_MOST_SPATIAL] = {0};
    fv_status status = FV_OK;
    if (!strcmp(word, "SAME_UPPER"))
        w->word = "same";
    else if (!strcmp(word, "SAME_LOWER"))
        w->word = "same_lower";
    else if (!strcmp(word, "NOTSET"))
        status = read_list(im, node, "pads", 2 * w->rank, 0, 0, pads);
    else if (strcmp(word, "VALID"))
        return fv_import_wrong(im, node, "auto_pad \"%.40s\" is not known", word);
    for (int d = 0; d < w->rank; d++) w->before[d] = pads[d], w->behind[d] = pads[w->rank + d];
    return status;
}

fv_status fv_onnx_read_window(fv_import *im, const fv_onnx_node *node, const fv_imported *x, const int64_t *kernel,
                              fv_onnx_window *w) {
    *w = (fv_onnx_window){.rank = x->shape.rank - 2, .whole = x->shape.dim[0] != FV_BATCH};
    if (w->rank < 1 || w->rank > FV_ONNX_MOST_SPATIAL)
        return fv_import_refuse(im, node, "a value of rank %d; 1 to 3 spatial dimensions are", x->shape.rank);
    if (w->rank + w->whole > FV_ONNX_MOST_SPATIAL) return fv_import_refuse(im, node, "volumes without a batch");
    fv_status status = read_list(im, node, "kernel_shape", w->rank, 1, kernel ? 1 : 0, w->kernel);
    int count;
    bool stated = fv_onnx_ints(node, "kernel_shape", &count) && count > 0;
    if (!status && !stated && !kernel) return fv_import_wrong(im, node, "kernel_shape is missing");
    for (int d = 0; d < w->rank && kernel && !status; d++) {
        if (stated && w->kernel[d] != kernel[d])
            return fv_import_wrong(im, node, "kernel_shape is %lld along dimension %d, the weight has %lld",
                                   (long long)w->kernel[d], d, (long long)kernel[d]);
        w->kernel[d] = kernel[d];
    }
    if (!status) status = read_list(im, node, "strides", w->rank, 1, 1, w->stride);
    if (!status) status = read_list(im, node, "dilations", w->rank, 1, 1, w->dilation);
    return status ? status : read_padding(im, node, w);
}

const char *fv_onnx_sizes(const fv_onnx_window *w, const int64_t *numbers, int64_t whole_size, char out[100]) {
    size_t length = 0;
    if (w->whole) length = (size_t)snprintf(out, 100, "%lldx", (long long)whole_size);
    for (int d = 0; d < w->rank; d++)
        length += (size_t)snprintf(out + length, 100 - length, "%s%lld", d ? "x" : "", (long long)numbers[d]);
    return out;
}

const char *fv_onnx_window_fields(const fv_onnx_window *w, bool dilation, char out[400]) {
    char stride[100], before[100], behind[100], steps[100];
    fv_onnx_sizes(w, w->stride, 1, stride);
    fv_onnx_sizes(w, w->before, 0, before);
    fv_onnx_sizes(w, w->behind, 0, behind);
    fv_onnx_sizes(w, w->dilation, 1, steps);
    bool even = !memcmp(w->before, w->behind, (size_t)w->rank * sizeof w->before[0]);
    int length = w->word ? snprintf(out, 400, "stride=%s padding=%s", stride, w->word)
                 : even  ? snprintf(out, 400, "stride=%s padding=%s", stride, before)
                         : snprintf(out, 400, "stride=%s padding=%s padding_end=%s", stride, before, behind);
    if (dilation) snprintf(out + length, (size_t)(400 - length), " dilation=%s", steps);
    return out;
}
