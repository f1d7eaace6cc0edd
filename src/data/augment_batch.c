/* augment_batch.c - a list of augmentations at work on batches: pixels that move are moved once for as many entries as can be
 * said as one warp, then values change, and so on. */
#include <pthread.h>
#include <string.h>

#include "augment.h"
#include "memory.h"
#include "pool.h"

/* ---- what is to be changed -------------------------------------------------------------------------------------- */

static bool is_picture(const fv_data_field *field, const fv_tensor *into) {
    int rank = field->shape.rank;
    return !field->target && into->data && into->dtype == FV_F32 &&
           (rank == 2 || (rank == 3 && field->shape.dim[2] <= FV_MAX_CHANNELS));
}

static bool is_whole_number(fv_dtype dtype) { return dtype != FV_F32 && dtype != FV_F64; }

static int channels_of(const fv_data_field *field) { return field->shape.rank == 3 ? (int)field->shape.dim[2] : 1; }

static fv_follows how_it_follows(const fv_augmenting *g, int i, const fv_tensor *into) {
    const fv_data_field *field = &g->data->fields[i];
    const fv_shape *shape = &field->shape;
    if (!into->data) return FV_STAYS;
    if (!strcmp(field->name, "boxes") && shape->rank == 2 && shape->dim[1] >= 4 && into->dtype == FV_F32)
        return FV_BOXES;
    if (shape->rank < 2 || shape->rank > 3 || shape->dim[0] != g->height || shape->dim[1] != g->width) return FV_STAYS;
    if (field->target && is_whole_number(field->dtype)) return FV_MASK;
    return into->dtype == FV_F32 && (shape->rank == 2 || shape->dim[2] <= FV_MAX_CHANNELS) ? FV_PICTURE : FV_MASK;
}

/* x = (value*scale - mean) / deviation; light is value / 255 for bytes, value * scale for numbers. */
static fv_light find_light(const fv_data_field *field, const fv_preprocess *p, float *black) {
    fv_light light = {.bounded = field->dtype == FV_U8, .bgr = p && p->bgr && channels_of(field) == 3};
    double scale = p && p->scale != 0 ? p->scale : 1, full = field->dtype == FV_U8 ? 255 * scale : 1;
    int count = p ? p->channels : 0;
    for (int c = 0; c < channels_of(field) && c < FV_MAX_CHANNELS; c++) {
        int given = count == 1 ? 0 : c;
        bool known = !field->target && given < count;
        double mean = known ? p->mean[given] : 0,
               deviation = known && p->deviation[given] != 0 ? p->deviation[given] : 1;
        light.gain[c] = (float)(deviation / full);
        light.base[c] = (float)(mean / full);
        black[c] = (float)(-mean / deviation);
    }
    return light;
}

fv_light fv_light_of(const fv_data_field *field, const fv_preprocess *preprocess) {
    float black[FV_MAX_CHANNELS];
    return find_light(field, preprocess, black);
}

static size_t warp_floats(const fv_augmenting *g, int i, const fv_tensor *into) {
    int channels = channels_of(&g->data->fields[i]);
    if (g->follows[i] == FV_MASK) channels = (int)((fv_dtype_size(into->dtype) * (size_t)channels + 3) / 4);
    return g->follows[i] == FV_STAYS || g->follows[i] == FV_BOXES ? 0 : fv_warp_room(g->height, g->width, channels);
}

static void measure_room(fv_augmenting *g, const fv_tensor *into) {
    size_t most = 0;
    int channels = 1;
    for (int i = 0; i < g->data->field_count; i++) {
        size_t floats = warp_floats(g, i, &into[i]);
        if (floats > g->warp_floats) g->warp_floats = floats;
        if (g->follows[i] == FV_PICTURE && channels_of(&g->data->fields[i]) > channels)
            channels = channels_of(&g->data->fields[i]);
    }
    for (int k = 0; k < g->plan.count; k++) {
        const fv_augment_entry *entry = &g->plan.entry[k];
        size_t floats = entry->record->room ? entry->record->room(entry->a, g->height, g->width, channels) : 0;
        if (floats > most) most = floats;
    }
    g->room_floats = (g->warp_floats + most + 15) / 16 * 16;
}

static fv_status refuse(const fv_data *data, const char *name, const char *what, fv_error *error) {
    char shape[96];
    const fv_data_field *field = &data->fields[0];
    for (int i = data->field_count - 1; i >= 0; i--)
        if (!data->fields[i].target) field = &data->fields[i];
    return fv_fail(error, FV_E_UNSUPPORTED, "augment: %s takes %s, but '%s' is %s %s", name, what, field->name,
                   fv_dtype_name(field->dtype), fv_shape_text(&field->shape, shape, sizeof shape));
}

fv_status fv_augment_begin(fv_augmenting *g, const fv_augment_plan *plan, const fv_data *data,
                           const fv_preprocess *preprocess, const fv_tensor *into, uint64_t seed, fv_error *error) {
    enum { MOST_FLOATS = 1 << 30 };
    memset(g, 0, sizeof *g);
    if (!plan->count) return FV_OK;
    g->plan = *plan, g->data = data, g->seed = seed;
    int first = -1;
    for (int i = data->field_count - 1; i >= 0; i--)
        if (is_picture(&data->fields[i], &into[i])) first = i;
    if (first < 0 || !(plan->entry[0].record->takes & FV_TAKES_PICTURES))
        return g->plan.count = 0, refuse(data, plan->entry[0].record->name, "pictures of up to 16 channels", error);
    const fv_shape *shape = &data->fields[first].shape;
    g->height = shape->dim[0], g->width = shape->dim[1];
    if (g->height > 30000 || g->width > 30000 ||
        (g->height + 2) * (g->width + 2) * FV_MAX_CHANNELS > MOST_FLOATS) /* positions are kept in 32 bits */
        return g->plan.count = 0, refuse(data, "the list", "pictures of up to 8000x8000", error);
    for (int i = 0; i < data->field_count; i++) {
        g->follows[i] = how_it_follows(g, i, &into[i]);
        if (g->follows[i] == FV_PICTURE) g->light[i] = find_light(&data->fields[i], preprocess, g->black[i]);
    }
    measure_room(g, into);
    return FV_OK;
}

void fv_augment_end(fv_augmenting *g) {
    fv_room_free(&g->room);
    fv_room_free(&g->mixed);
    g->plan.count = 0;
}

/* ---- one sample ------------------------------------------------------------------------------------------------- */

/* A sample while it is changed. */
typedef struct work {
    fv_augmenting *g;
    void *row[FV_MAX_FIELDS]; /* of the batch */
    const fv_tensor *into;
    fv_warp warp;            /* not carried out yet */
    bool lit[FV_MAX_FIELDS]; /* holds light */
    float *room, *own;       /* for warps; for records */
} work;

static fv_shot shot_of(const work *w, int i) {
    const fv_augmenting *g = w->g;
    return (fv_shot){w->row[i], g->height, g->width, channels_of(&g->data->fields[i]), &g->light[i]};
}

static void to_light(const fv_shot *shot) {
    int64_t count = shot->height * shot->width * shot->channels;
    for (int c = 0; c < shot->channels; c++) {
        float gain = shot->light->gain[c], base = shot->light->base[c];
        for (int64_t i = c; i < count; i += shot->channels) shot->x[i] = shot->x[i] * gain + base;
    }
}

static void from_light(const fv_shot *shot) {
    int64_t count = shot->height * shot->width * shot->channels;
    float least = shot->light->bounded ? 0 : -3e38f, most = shot->light->bounded ? 1 : 3e38f;
    for (int c = 0; c < shot->channels; c++) {
        float gain = 1 / shot->light->gain[c], base = shot->light->base[c];
        for (int64_t i = c; i < count; i += shot->channels) {
            float light = shot->x[i];
            light = light > least ? light : least;
            light = light < most ? light : most;
            shot->x[i] = (light - base) * gain;
        }
    }
}

static void set_lit(work *w, int i, bool lit) {
    fv_shot shot = shot_of(w, i);
    if (w->lit[i] == lit) return;
    if (lit)
        to_light(&shot);
    else
        from_light(&shot);
    w->lit[i] = lit;
}

/* The pixels that have been told to move do so. */
static void carry_out(work *w) {
    const fv_augmenting *g = w->g;
    if (!w->warp.moves) return;
    for (int i = 0; i < g->data->field_count; i++) {
        const fv_data_field *field = &g->data->fields[i];
        if (g->follows[i] == FV_PICTURE) {
            set_lit(w, i, false);
            fv_warp_picture(&w->warp, w->row[i], g->height, g->width, channels_of(field), g->black[i], w->room);
        } else if (g->follows[i] == FV_MASK) {
            size_t element = fv_dtype_size(w->into[i].dtype) * (size_t)channels_of(field);
            fv_warp_mask(&w->warp, w->row[i], g->height, g->width, element, w->room);
        } else if (g->follows[i] == FV_BOXES) {
            fv_warp_boxes(&w->warp, w->row[i], field->shape.dim[0], field->shape.dim[1], g->height, g->width);
        }
    }
    w->warp = fv_warp_none();
}

static void change(work *w, const fv_augment_entry *entry, fv_augment_call *call) {
    const fv_augmenting *g = w->g;
    fv_stream stream = *call->stream;
    for (int i = 0; i < g->data->field_count; i++) {
        if (g->follows[i] != FV_PICTURE || g->data->fields[i].target) continue;
        call->shot = shot_of(w, i);
        if (entry->record->colour && call->shot.channels != 3) continue;
        set_lit(w, i, entry->record->lit);
        *call->stream = stream; /* pictures of a sample are changed alike */
        entry->record->change(call);
    }
}

static void move(work *w, const fv_augment_entry *entry, fv_augment_call *call) {
    if (entry->record->room && w->warp.bend.dx) carry_out(w); /* it lies where this one works */
    call->shot = (fv_shot){.height = w->g->height, .width = w->g->width};
    fv_warp step = entry->record->move(call);
    if (fv_warp_then(&w->warp, &step)) return;
    carry_out(w);
    w->warp = step;
}

bool fv_augment_happens(const fv_augmenting *g, const fv_augment_entry *entry, int64_t sample, fv_stream *stream) {
    uint64_t place = (uint64_t)(entry - g->plan.entry);
    uint64_t epoch = entry->record->steady ? 0 : (uint64_t)g->epoch;
    *stream = fv_stream_new(g->seed, FV_FOR_AUGMENT, epoch, (uint64_t)sample | place << 48);
    return entry->chance >= 1 || fv_uniform(stream) < entry->chance;
}

static void change_sample(work *w, int64_t sample) {
    const fv_augmenting *g = w->g;
    w->warp = fv_warp_none();
    memset(w->lit, 0, sizeof w->lit);
    for (int k = 0; k < g->plan.count; k++) {
        const fv_augment_entry *entry = &g->plan.entry[k];
        fv_stream stream;
        fv_augment_call call = {.a = entry->a, .stream = &stream, .epoch = g->epoch, .room = w->own};
        if (entry->record->mix || !fv_augment_happens(g, entry, sample, &stream)) continue;
        if (entry->record->move) {
            move(w, entry, &call);
        } else {
            carry_out(w);
            change(w, entry, &call);
        }
    }
    carry_out(w);
    for (int i = 0; i < g->data->field_count; i++)
        if (g->follows[i] == FV_PICTURE) set_lit(w, i, false);
}

/* ---- a batch ---------------------------------------------------------------------------------------------------- */

typedef struct batch {
    fv_augmenting *g;
    const int64_t *order; /* of this batch */
    const fv_tensor *into;
    float *room; /* of all threads */
} batch;

static size_t row_bytes(const fv_tensor *tensor) {
    size_t all = (size_t)fv_shape_count(&tensor->shape) * fv_dtype_size(tensor->dtype);
    return all / (size_t)tensor->shape.dim[0];
}

static void change_piece(void *context, int64_t row, int thread) {
    const batch *b = context;
    fv_augmenting *g = b->g;
    work w = {.g = g, .into = b->into, .room = b->room + (size_t)thread * g->room_floats};
    w.own = w.room + g->warp_floats;
    for (int i = 0; i < g->data->field_count; i++)
        if (g->follows[i]) w.row[i] = (char *)b->into[i].data + (size_t)row * row_bytes(&b->into[i]);
    change_sample(&w, b->order[row]);
}

fv_status fv_augment_batch(fv_augmenting *g, const int64_t *order, int64_t first, int64_t count, const fv_tensor *into,
                           fv_error *error) {
    if (!g->plan.count) return FV_OK;
    fv_pool *pool = fv_default_pool();
    size_t bytes = g->room_floats * sizeof(float) * (size_t)fv_pool_threads(pool);
    batch b = {.g = g, .order = order + first, .into = into, .room = fv_room_take(&g->room, bytes)};
    if (!b.room) return fv_fail_memory(error, "augmentation", bytes);
    fv_pool_run(pool, count, change_piece, &b);
    fv_room_put(&g->room, b.room);
    return FV_OK;
}
