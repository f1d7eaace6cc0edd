/* changed.h - pictures that a list of augmentations has changed, for tests. */
#ifndef FV_TESTS_CHANGED_H
#define FV_TESTS_CHANGED_H

#include "check.h"
#include "files.h"

#include "augment.h"

enum { MOST = 64 };

/* `count` copies of one sample of f32, changed by the list in `epoch`. */
typedef struct changed {
    fv_data *data;
    float x[MOST][256];
    int64_t each;
} changed;

static inline changed change_copies(const char *list, const float *picture, fv_shape shape, int count, int64_t epoch,
                             const fv_preprocess *preprocess) {
    changed c = {.each = fv_shape_count(&shape)};
    fv_tensor all = {FV_F32, {shape.rank + 1, {count}}, calloc((size_t)(count * c.each), sizeof(float))};
    fv_tensor into = {FV_F32, all.shape, NULL};
    int64_t order[MOST];
    for (int d = 0; d < shape.rank; d++) into.shape.dim[d + 1] = all.shape.dim[d + 1] = shape.dim[d];
    for (int i = 0; i < count; i++)
        memcpy((float *)all.data + i * c.each, picture, (size_t)c.each * sizeof(float)), order[i] = i;
    fv_data *data = fv_data_from_arrays(all, (fv_tensor){0}, &problem);
    if (!data) fail_msg("%s", problem.message);
    float *x = malloc((size_t)(count * c.each) * sizeof(float));
    into.data = x;
    fv_augment_plan plan;
    fv_augmenting g;
    check_ok(fv_augment_read(list, &plan, &problem));
    check_ok(fv_augment_begin(&g, &plan, data, preprocess, &into, 7, &problem));
    g.epoch = epoch;
    check_ok(fv_data_batch(data, order, 0, count, preprocess, &into, &problem));
    check_ok(fv_augment_batch(&g, order, 0, count, &into, &problem));
    for (int i = 0; i < count; i++) memcpy(c.x[i], x + i * c.each, (size_t)c.each * sizeof(float));
    fv_augment_end(&g);
    fv_data_free(data);
    free(x), free(all.data);
    return c;
}

static const float nine[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
static const fv_shape three = {3, {3, 3, 1}};

static inline void check_picture(const char *name, const float *got, const float *expected, int64_t count, double tolerance) {
    char label[128];
    for (int64_t i = 0; i < count; i++) {
        snprintf(label, sizeof label, "%s, number %d", name, (int)i);
        check_near(label, got[i], expected[i], tolerance);
    }
}

static inline void check_once(const char *list, const float *picture, fv_shape shape, const float *expected,
                       double tolerance) {
    changed c = change_copies(list, picture, shape, 1, 0, NULL);
    check_picture(list, c.x[0], expected, c.each, tolerance);
}

#endif
