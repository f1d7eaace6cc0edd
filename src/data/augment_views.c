/* augment_views.c - the views that stand for a list in test-time augmentation: every view of an entry of every view of those before
 * it, weights multiplied. */
#include <string.h>

#include "augment.h"
#include "pool.h"

fv_status fv_augment_views(const fv_augmenting *g, fv_view out[FV_MAX_VIEWS], int *count, fv_error *error) {
    fv_view entry[FV_MAX_VIEWS], before[FV_MAX_VIEWS];
    out[0] = (fv_view){fv_warp_none(), 1};
    *count = 1;
    for (int k = 0; k < g->plan.count; k++) {
        const fv_augment *record = g->plan.entry[k].record;
        if (!record->views)
            return fv_fail(error, FV_E_ARGUMENT,
                           "test-time augmentation: %s has no fixed views; hflip, vflip and shift have", record->name);
        int views = record->views(g->plan.entry[k].a, g->height, g->width, entry), made = 0;
        memcpy(before, out, sizeof before);
        if (views * *count > FV_MAX_VIEWS)
            return fv_fail(error, FV_E_ARGUMENT, "test-time augmentation: more than %d views of each sample",
                           FV_MAX_VIEWS);
        for (int b = 0; b < *count; b++)
            for (int v = 0; v < views; v++, made++) {
                out[made] = (fv_view){before[b].warp, before[b].weight * entry[v].weight};
                if (!fv_warp_then(&out[made].warp, &entry[v].warp))
                    return fv_fail(error, FV_E_ARGUMENT, "test-time augmentation: entries with different borders");
            }
        *count = made;
    }
    return FV_OK;
}

/* ---- a batch ---------------------------------------------------------------------------------------------------- */

typedef struct look {
    const fv_augmenting *g;
    const fv_view *view;
    const fv_tensor *into;
    float *room;
} look;

static void look_at(void *context, int64_t row, int thread) {
    const look *l = context;
    const fv_augmenting *g = l->g;
    for (int i = 0; i < g->data->field_count; i++) {
        const fv_tensor *into = &l->into[i];
        if (g->follows[i] != FV_PICTURE || g->data->fields[i].target) continue;
        int64_t each = fv_shape_count(&into->shape) / into->shape.dim[0];
        fv_warp_picture(&l->view->warp, (float *)into->data + row * each, g->height, g->width,
                        (int)(each / (g->height * g->width)), g->black[i], l->room + (size_t)thread * g->room_floats);
    }
}

fv_status fv_augment_look(fv_augmenting *g, const fv_view *view, const fv_tensor *into, int64_t count,
                          fv_error *error) {
    fv_pool *pool = fv_default_pool();
    size_t bytes = g->room_floats * sizeof(float) * (size_t)fv_pool_threads(pool);
    look l = {.g = g, .view = view, .into = into, .room = fv_room_take(&g->room, bytes)};
    if (!l.room) return fv_fail_memory(error, "test-time augmentation", bytes);
    fv_pool_run(pool, count, look_at, &l);
    fv_room_put(&g->room, l.room);
    return FV_OK;
}
