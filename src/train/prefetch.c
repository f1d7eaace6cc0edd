/* prefetch.c - the next batches, made in a thread while the step runs. What a batch holds is a pure function of its
 * number, so it does not matter when it was made. */
#include <pthread.h>
#include <string.h>

#include "memory.h"
#include "train.h"

enum { SLOTS = 2 };

/* One batch, ready to be copied to where the run wants it. */
typedef struct slot {
    fv_feed feed; /* writes into memory of the slot */
    fv_status status;
    fv_error error;
} slot;

struct fv_prefetch {
    fv_feed *feed; /* writes into the inputs of the run */
    int64_t batch;
    slot slots[SLOTS];
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    const int64_t *order;
    int64_t samples;
    int64_t made, taken, end; /* batches before these numbers are made, taken, wanted at all */
    bool runs, quits;
};

/* ---- memory of a slot ------------------------------------------------------------------------------------------- */

static size_t row_bytes(const fv_tensor *tensor) {
    size_t all = (size_t)fv_shape_count(&tensor->shape) * fv_dtype_size(tensor->dtype);
    return tensor->shape.dim[0] > 0 ? all / (size_t)tensor->shape.dim[0] : 0;
}

static size_t one_hot_row_bytes(const fv_feed *feed, int i) {
    return (size_t)fv_shape_count(&feed->data->fields[i].shape) * (size_t)feed->classes[i] * sizeof(float);
}

static fv_status begin_slot(slot *s, const fv_feed *feed, int64_t batch, fv_error *error) {
    s->feed = *feed;
    for (int i = 0; i < FV_MAX_FIELDS; i++) s->feed.into[i].data = NULL, s->feed.one_hot[i] = NULL;
    for (int i = 0; i < feed->data->field_count; i++) {
        if (!feed->into[i].data) continue;
        size_t bytes = (size_t)batch * row_bytes(&feed->into[i]);
        size_t spread = feed->one_hot[i] ? (size_t)batch * one_hot_row_bytes(feed, i) : 0;
        s->feed.into[i].data = fv_alloc_aligned(bytes);
        if (spread) s->feed.one_hot[i] = fv_alloc_aligned(spread);
        if (!s->feed.into[i].data || (spread && !s->feed.one_hot[i]))
            return fv_fail_memory(error, "a batch ahead of time", bytes + spread);
    }
    return FV_OK;
}

static void end_slot(slot *s) {
    for (int i = 0; i < FV_MAX_FIELDS; i++) {
        fv_free_aligned(s->feed.into[i].data);
        fv_free_aligned(s->feed.one_hot[i]);
    }
}

static int64_t samples_in(const fv_prefetch *p, int64_t index) {
    int64_t left = p->samples - index * p->batch;
    return left < p->batch ? left : p->batch;
}

/* ---- the thread ------------------------------------------------------------------------------------------------- */

static void *make_batches(void *context) {
    fv_prefetch *p = context;
    pthread_mutex_lock(&p->mutex);
    while (!p->quits) {
        if (p->made >= p->end || p->made - p->taken >= SLOTS) {
            pthread_cond_wait(&p->changed, &p->mutex);
            continue;
        }
        int64_t index = p->made;
        pthread_mutex_unlock(&p->mutex);
        slot *s = &p->slots[index % SLOTS];
        s->status = fv_feed_batch(&s->feed, p->order, index * p->batch, samples_in(p, index), &s->error);
        pthread_mutex_lock(&p->mutex);
        p->made = index + 1;
        pthread_cond_broadcast(&p->changed);
    }
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

fv_prefetch *fv_prefetch_new(fv_feed *feed, int64_t batch, fv_error *error) {
    fv_prefetch *p = fv_alloc(sizeof *p);
    if (!p) return fv_fail_memory(error, "batches ahead of time", sizeof *p), NULL;
    p->feed = feed;
    p->batch = batch;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->changed, NULL);
    fv_status status = FV_OK;
    for (int i = 0; i < SLOTS && !status; i++) status = begin_slot(&p->slots[i], feed, batch, error);
    if (!status && pthread_create(&p->thread, NULL, make_batches, p))
        status = fv_fail(error, FV_E_MEMORY, "a thread for batches ahead of time cannot be made");
    p->runs = !status;
    if (!status) return p;
    fv_prefetch_free(p);
    return NULL;
}

void fv_prefetch_start(fv_prefetch *p, const int64_t *order, int64_t samples, int64_t first) {
    pthread_mutex_lock(&p->mutex);
    p->order = order;
    p->samples = samples;
    p->made = p->taken = first;
    p->end = (samples + p->batch - 1) / p->batch;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->mutex);
}

fv_status fv_prefetch_take(fv_prefetch *p, int64_t index, fv_error *error) {
    pthread_mutex_lock(&p->mutex);
    while (p->made <= index) pthread_cond_wait(&p->changed, &p->mutex);
    pthread_mutex_unlock(&p->mutex);
    slot *s = &p->slots[index % SLOTS];
    fv_status status = s->status;
    size_t n = (size_t)samples_in(p, index);
    if (status && error) *error = s->error;
    for (int i = 0; i < p->feed->data->field_count && !status; i++) {
        if (!s->feed.into[i].data) continue;
        if (p->feed->one_hot[i])
            memcpy(p->feed->one_hot[i], s->feed.one_hot[i], n * one_hot_row_bytes(p->feed, i));
        else
            memcpy(p->feed->into[i].data, s->feed.into[i].data, n * row_bytes(&p->feed->into[i]));
    }
    pthread_mutex_lock(&p->mutex);
    p->taken = index + 1;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->mutex);
    return status;
}

void fv_prefetch_free(fv_prefetch *p) {
    if (!p) return;
    if (p->runs) {
        pthread_mutex_lock(&p->mutex);
        p->quits = true;
        pthread_cond_broadcast(&p->changed);
        pthread_mutex_unlock(&p->mutex);
        pthread_join(p->thread, NULL);
    }
    for (int i = 0; i < SLOTS; i++) end_slot(&p->slots[i]);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->mutex);
    fv_free(p);
}
