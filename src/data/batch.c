/* batch.c - samples into the input buffers of a run. Part of every training step: it allocates nothing once it has the
 * scratch memory for sources that cannot point at their samples. */
#include "source.h"
#include "memory.h"
#include "pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { MAX_CHANNELS = 16 }; /* of fv_preprocess */

/* What is done to the numbers of one field. */
typedef struct conversion {
    const fv_data_field *field;
    const fv_tensor *into; /* NULL: not wanted */
    int64_t count;         /* elements of one sample */
    size_t row;            /* bytes of one sample in `into` */
    bool identity;         /* same dtype, nothing to compute */
    int channels;          /* tables or affine maps that take turns; 0: plain conversion */
    bool reversed;         /* the last channel comes first: blue, green, red */
    double scale, mean[MAX_CHANNELS], deviation[MAX_CHANNELS];
    const float (*table)[256]; /* bytes: the result for every value */
} conversion;

static fv_status check_field(const fv_data_field *field, const fv_tensor *into, int64_t count, conversion *c,
                             fv_error *error) {
    char got[96], expected[96];
    fv_shape sample = {.rank = into->shape.rank - 1};
    for (int d = 1; d < into->shape.rank && d < FV_MAX_RANK; d++) sample.dim[d - 1] = into->shape.dim[d];
    c->count = fv_shape_count(&field->shape);
    if (into->shape.rank < 1 || into->shape.dim[0] < count || fv_shape_count(&sample) != c->count)
        return fv_fail(error, FV_E_SHAPE, "field \"%s\" has shape %s, the buffer for %lld of them is %s", field->name,
                       fv_shape_text(&field->shape, expected, sizeof expected), (long long)count,
                       fv_shape_text(&into->shape, got, sizeof got));
    c->field = field;
    c->into = into;
    c->row = (size_t)c->count * fv_dtype_size(into->dtype);
    c->identity = into->dtype == field->dtype;
    return FV_OK;
}

/* Preprocessing applies to what the net sees, not to what it should answer. */
static fv_status plan_preprocess(const fv_preprocess *p, conversion *c, fv_error *error) {
    const fv_shape *shape = &c->field->shape;
    int64_t last = shape->rank > 0 ? shape->dim[shape->rank - 1] : 1;
    double scale = p && p->scale != 0 ? p->scale : 1;
    int channels = p ? p->channels : 0;
    bool reversed = p && p->bgr && last == 3;
    if (c->field->target || c->into->dtype != FV_F32 || (scale == 1 && channels == 0 && !reversed)) return FV_OK;
    if (channels < 0 || channels > MAX_CHANNELS || (channels > 1 && channels != last))
        return fv_fail(error, FV_E_SHAPE, "preprocessing has means for %d channels, field \"%s\" has %lld", channels,
                       c->field->name, (long long)last);
    c->identity = false;
    c->scale = scale;
    c->reversed = reversed;
    c->channels = reversed ? 3 : channels > 0 ? channels : 1;
    for (int i = 0; i < c->channels; i++) {
        int given = channels == 1 ? 0 : i;
        c->mean[i] = channels > 0 ? p->mean[given] : 0;
        c->deviation[i] = channels > 0 && p->deviation[given] != 0 ? p->deviation[given] : 1;
    }
    return FV_OK;
}

static float preprocessed(const conversion *c, double value, int channel) {
    return (float)((value * c->scale - c->mean[channel]) / c->deviation[channel]);
}

static void fill_table(conversion *c, float table[][256]) {
    for (int i = 0; i < c->channels; i++)
        for (int value = 0; value < 256; value++) table[i][value] = preprocessed(c, value, i);
    c->table = (const float(*)[256])table;
}

static void bytes_by_table(const conversion *c, const unsigned char *in, float *out) {
    int channels = c->channels;
    if (channels == 1) {
        const float *table = c->table[0];
        for (int64_t i = 0; i < c->count; i++) out[i] = table[in[i]];
        return;
    }
    int turn = c->reversed ? channels - 1 : 0, step = c->reversed ? -1 : 1;
    for (int64_t i = 0; i < c->count; i += channels)
        for (int k = 0; k < channels; k++) out[i + k] = c->table[k][in[i + turn + step * k]];
}

static double number_at(fv_dtype dtype, const void *in, int64_t i) {
    switch (dtype) {
    case FV_F32: return ((const float *)in)[i];
    case FV_F64: return ((const double *)in)[i];
    case FV_I32: return ((const int32_t *)in)[i];
    case FV_I64: return (double)((const int64_t *)in)[i];
    default: return ((const unsigned char *)in)[i];
    }
}

static fv_status whole_numbers(const conversion *c, const void *in, void *out, int64_t index, fv_error *error) {
    for (int64_t i = 0; i < c->count; i++) {
        int64_t value =
            c->field->dtype == FV_I64 ? ((const int64_t *)in)[i] : (int64_t)number_at(c->field->dtype, in, i);
        if (c->into->dtype == FV_I64)
            ((int64_t *)out)[i] = value;
        else if (value >= INT32_MIN && value <= INT32_MAX)
            ((int32_t *)out)[i] = (int32_t)value;
        else
            return fv_fail(error, FV_E_NUMBER, "field \"%s\" of sample %lld: %lld does not fit into i32",
                           c->field->name, (long long)index, (long long)value);
    }
    return FV_OK;
}

static fv_status convert(const conversion *c, const void *in, void *out, int64_t index, fv_error *error) {
    fv_dtype from = c->field->dtype, to = c->into->dtype;
    if (c->identity) {
        memcpy(out, in, c->row);
    } else if (c->table) {
        bytes_by_table(c, in, out);
    } else if (to == FV_F32) {
        float *numbers = out;
        for (int64_t i = 0; i < c->count; i++) {
            int64_t at = c->reversed ? i + 2 - 2 * (i % 3) : i;
            double value = number_at(from, in, at);
            numbers[i] = c->channels == 0 ? (float)value : preprocessed(c, value, (int)(i % c->channels));
        }
    } else if (to == FV_F64) {
        for (int64_t i = 0; i < c->count; i++) ((double *)out)[i] = number_at(from, in, i);
    } else if ((to == FV_I32 || to == FV_I64) && from != FV_F32 && from != FV_F64) {
        return whole_numbers(c, in, out, index, error);
    } else {
        return fv_fail(error, FV_E_SHAPE, "field \"%s\" is %s, which does not become %s", c->field->name,
                       fv_dtype_name(from), fv_dtype_name(to));
    }
    return FV_OK;
}

/* What the pieces of one batch share. */
typedef struct work {
    const fv_data *data;
    const int64_t *order; /* of this batch */
    const conversion *conversions;
    char *samples; /* a buffer for one sample a thread; NULL where the source points at its samples */
    pthread_mutex_t mutex;
    _Atomic int64_t failed_at; /* the first row that failed; later ones need not be tried */
    fv_error error;
    fv_status status;
} work;

static fv_status fill_row(const work *w, int64_t row, char *sample, fv_error *error) {
    const fv_data *data = w->data;
    int64_t index = w->order[row];
    void *fields[FV_MAX_FIELDS];
    size_t at = 0;
    for (int i = 0; i < data->field_count; i++) {
        const fv_data_field *f = &data->fields[i];
        fields[i] = sample ? sample + at : NULL;
        at += ((size_t)fv_shape_count(&f->shape) * fv_dtype_size(f->dtype) + 15) / 16 * 16;
    }
    if (index < 0 || index >= data->count)
        return fv_fail(error, FV_E_ARGUMENT, "no sample %lld: there are %lld", (long long)index,
                       (long long)data->count);
    fv_status status = sample ? data->read(data, index, fields, error) : FV_OK;
    for (int i = 0; i < data->field_count && status == FV_OK; i++) {
        const conversion *c = &w->conversions[i];
        if (!c->into) continue;
        const void *in = sample ? fields[i] : data->direct(data, index, i);
        status = convert(c, in, (char *)c->into->data + (size_t)row * c->row, index, error);
    }
    return status;
}

/* Row k of the batch is sample order[k], whoever reads it and whenever. Of several failures the first in the order is told:
 * rows in front of a failed one are always tried. */
static void fill_piece(void *context, int64_t row, int thread) {
    work *w = context;
    fv_error error = {0};
    if (row > atomic_load(&w->failed_at)) return;
    char *sample = w->samples ? w->samples + (size_t)thread * w->data->sample_bytes : NULL;
    fv_status status = fill_row(w, row, sample, &error);
    if (status == FV_OK) return;
    pthread_mutex_lock(&w->mutex);
    if (row < atomic_load(&w->failed_at)) {
        atomic_store(&w->failed_at, row);
        w->error = error;
        w->status = status;
    }
    pthread_mutex_unlock(&w->mutex);
}

/* Buffers that a set keeps between batches. */
typedef struct scratch {
    int samples;
    _Alignas(16) char bytes[];
} scratch;

/* The buffers of the set, or new ones while another thread has those (or they are too few). */
static scratch *take_scratch(fv_data *data, int samples) {
    scratch *kept = atomic_exchange(&data->scratch, NULL);
    if (kept && kept->samples >= samples) return kept;
    fv_free(kept);
    size_t bytes;
    if (!fv_mul_size((size_t)samples, data->sample_bytes, &bytes) || !fv_add_size(bytes, sizeof *kept, &bytes))
        return NULL;
    kept = fv_alloc(bytes);
    if (kept) kept->samples = samples;
    return kept;
}

static void put_back(fv_data *data, scratch *kept) { fv_free(atomic_exchange(&data->scratch, kept)); }

fv_status fv_data_batch(const fv_data *data, const int64_t *order, int64_t first, int64_t count,
                        const fv_preprocess *preprocess, const fv_tensor *into, fv_error *error) {
    conversion conversions[FV_MAX_FIELDS] = {0};
    float table[MAX_CHANNELS][256];
    bool table_used = false;
    for (int i = 0; i < data->field_count; i++) {
        conversion *c = &conversions[i];
        if (!into[i].data) continue;
        fv_status status = check_field(&data->fields[i], &into[i], count, c, error);
        if (status == FV_OK) status = plan_preprocess(preprocess, c, error);
        if (status != FV_OK) return status;
        if (c->channels > 0 && c->field->dtype == FV_U8 && !table_used) {
            fill_table(c, table);
            table_used = true; /* further pictures of a sample are computed number by number, to the same values */
        }
    }
    fv_data *mutable_data = (fv_data *)data; /* only its scratch, which is atomic */
    fv_pool *pool = data->threads && count > 1 ? fv_default_pool() : NULL;
    scratch *kept = data->direct ? NULL : take_scratch(mutable_data, fv_pool_threads(pool));
    if (!data->direct && !kept) return fv_fail_memory(error, "a sample", data->sample_bytes);
    work w = {.data = data, .order = order + first, .conversions = conversions, .samples = kept ? kept->bytes : NULL};
    atomic_init(&w.failed_at, INT64_MAX);
    pthread_mutex_init(&w.mutex, NULL);
    fv_pool_run(pool, count, fill_piece, &w);
    pthread_mutex_destroy(&w.mutex);
    if (kept) put_back(mutable_data, kept);
    if (w.status != FV_OK && error) *error = w.error;
    return w.status;
}
