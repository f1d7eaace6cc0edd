/* onednn.h - a convolution of oneDNN to be timed beside ours; only where the library is installed (FOVEA_ONEDNN). */
#ifndef FV_BENCH_ONEDNN_H
#define FV_BENCH_ONEDNN_H

#include <stdbool.h>
#include <stdint.h>

typedef enum onednn_pass { ONEDNN_FORWARD, ONEDNN_DATA, ONEDNN_WEIGHTS } onednn_pass;

/* Square pictures and kernels. */
typedef struct onednn_layer {
    int64_t n, in, out, c, f, kernel, stride, pad, groups;
} onednn_layer;

typedef struct onednn onednn;

/* In the memory formats that oneDNN likes best, so nothing is reordered while it runs; weights too. NULL where it cannot: its
 * Winograd does not know every layer. Frees with onednn_free. */
onednn *onednn_new(onednn_pass pass, const onednn_layer *layer, bool winograd, int threads);
void onednn_run(void *self);
void onednn_free(onednn *self);

#endif
