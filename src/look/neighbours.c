/* neighbours.c - the samples that lie nearest, number by number: the baseline that every network has to beat. */
#include "memory.h"
#include "pool.h"
#include "source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A piece of work: so many that are asked for against so many at a time that are known, which stay in the cache meanwhile. */
enum { ASKED = 16, KNOWN_BYTES = 1 << 18, MOST = 1000 };

/* All inputs of a set, one row a sample. */
typedef struct rows {
    int64_t count, each; /* numbers of a sample */
    fv_dtype dtype;
    unsigned char *of;
} rows;

typedef struct search {
    rows known, asked;
    bool squares;
    int most;
    int64_t block; /* known rows at a time */
    int32_t *nearest;
    double *distance; /* like nearest */
} search;

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static int input_field(const fv_data *data) {
    int found = -1;
    for (int f = 0; f < data->field_count; f++)
        if (!data->fields[f].target) found = found < 0 ? f : -2;
    return found;
}

static fv_status check(const fv_data *data, const char *which, fv_error *error) {
    int f = input_field(data);
    if (f < 0) return fv_fail(error, FV_E_ARGUMENT, "neighbours: the %s samples must have one input each", which);
    fv_dtype dtype = data->fields[f].dtype;
    if (dtype != FV_U8 && dtype != FV_F32)
        return fv_fail(error, FV_E_ARGUMENT, "neighbours: the %s samples must be u8 or f32, got %s", which,
                       fv_dtype_name(dtype));
    if (data->count < 1 || data->count > INT32_MAX)
        return fv_fail(error, FV_E_ARGUMENT, "neighbours: expected 1 to %d %s samples, got %lld", INT32_MAX, which,
                       (long long)data->count);
    return FV_OK;
}

static fv_status read_rows(fv_data *data, rows *out, fv_error *error) {
    const fv_data_field *field = &data->fields[input_field(data)];
    *out = (rows){.count = data->count, .each = fv_shape_count(&field->shape), .dtype = field->dtype};
    size_t bytes = (size_t)out->each * fv_dtype_size(out->dtype), total;
    if (fv_mul_size(bytes, (size_t)out->count, &total)) out->of = fv_alloc(total);
    if (!out->of) return fv_fail_memory(error, "neighbours", bytes * (size_t)out->count);
    int input = input_field(data);
    void *into[FV_MAX_FIELDS] = {NULL};
    fv_status status = FV_OK;
    for (int f = 0; f < data->field_count && !status; f++) {
        size_t room = (size_t)fv_shape_count(&data->fields[f].shape) * fv_dtype_size(data->fields[f].dtype);
        if (f != input && !(into[f] = fv_alloc(room))) status = fv_fail_memory(error, "neighbours", room);
    }
    for (int64_t i = 0; i < out->count && !status; i++) {
        into[input] = out->of + (size_t)i * bytes;
        status = data->read(data, i, into, error);
    }
    for (int f = 0; f < data->field_count; f++)
        if (f != input) fv_free(into[f]);
    return status;
}

/* ---- distances -------------------------------------------------------------------------------------------------- */

/* Whole numbers sum in blocks that cannot overflow 31 bits: 32,768 squares of 255 are less than 2^31. */
enum { BLOCK = 32768 };

static int block_differences(const unsigned char *restrict a, const unsigned char *restrict b, int count) {
    int sum = 0;
    for (int i = 0; i < count; i++) sum += abs(a[i] - b[i]);
    return sum;
}

static int block_squares(const unsigned char *restrict a, const unsigned char *restrict b, int count) {
    int sum = 0;
    for (int i = 0; i < count; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

static double bytes_apart(const unsigned char *a, const unsigned char *b, int64_t each, bool squares) {
    int64_t total = 0;
    for (int64_t first = 0; first < each; first += BLOCK) {
        int count = each - first < BLOCK ? (int)(each - first) : BLOCK;
        total += (squares ? block_squares : block_differences)(a + first, b + first, count);
    }
    return (double)total;
}

static double floats_apart(const float *a, const float *b, int64_t each, bool squares) {
    double sum = 0;
    for (int64_t i = 0; i < each; i++) {
        double d = (double)a[i] - (double)b[i];
        sum += squares ? d * d : fabs(d);
    }
    return sum;
}

static double apart(const search *s, int64_t known, int64_t asked) {
    size_t bytes = (size_t)s->known.each * fv_dtype_size(s->known.dtype);
    const unsigned char *a = s->known.of + (size_t)known * bytes, *b = s->asked.of + (size_t)asked * bytes;
    if (s->known.dtype == FV_U8) return bytes_apart(a, b, s->known.each, s->squares);
    return floats_apart((const float *)(const void *)a, (const float *)(const void *)b, s->known.each, s->squares);
}

/* Keeps the list of the nearest in order; of two as near the one that comes first in the data. */
static void offer(const search *s, int64_t asked, int64_t known, double distance) {
    int32_t *nearest = s->nearest + asked * s->most;
    double *far = s->distance + asked * s->most;
    int at = s->most;
    if (!(distance < far[at - 1])) return;
    for (; at > 1 && distance < far[at - 2]; at--) {
        far[at - 1] = far[at - 2];
        nearest[at - 1] = nearest[at - 2];
    }
    far[at - 1] = distance;
    nearest[at - 1] = (int32_t)known;
}

static void search_piece(void *context, int64_t piece, int thread) {
    const search *s = context;
    (void)thread;
    int64_t first = piece * ASKED, end = first + ASKED < s->asked.count ? first + ASKED : s->asked.count;
    for (int64_t block = 0; block < s->known.count; block += s->block) {
        int64_t stop = s->known.count - block < s->block ? s->known.count : block + s->block;
        for (int64_t a = first; a < end; a++)
            for (int64_t k = block; k < stop; k++) offer(s, a, k, apart(s, k, a));
    }
}

/* ---- the call --------------------------------------------------------------------------------------------------- */

static fv_status find(search *s, fv_pool *pool, fv_error *error) {
    size_t slots;
    if (!fv_mul_size((size_t)s->asked.count, (size_t)s->most, &slots) ||
        !(s->distance = fv_alloc_array(slots, sizeof *s->distance)))
        return fv_fail_memory(error, "neighbours", slots * sizeof *s->distance);
    for (size_t i = 0; i < slots; i++) s->distance[i] = INFINITY, s->nearest[i] = -1;
    int64_t bytes = s->known.each * (int64_t)fv_dtype_size(s->known.dtype);
    s->block = KNOWN_BYTES / bytes > 1 ? KNOWN_BYTES / bytes : 1;
    fv_pool_run(pool, (s->asked.count + ASKED - 1) / ASKED, search_piece, s);
    return FV_OK;
}

fv_status fv_neighbours_with(fv_data *known, fv_data *asked, int32_t *out, fv_error *error,
                             const fv_neighbours_options *given) {
    fv_neighbours_options options = {0};
    memcpy(&options, given, given->size < sizeof options ? given->size : sizeof options);
    search s = {.squares = options.squares, .most = options.count ? options.count : 1, .nearest = out};
    if (!known || !asked || !out)
        return fv_fail(error, FV_E_ARGUMENT, "neighbours: data or room for the answer is missing");
    fv_status status = check(known, "known", error);
    if (!status) status = check(asked, "asked", error);
    if (status) return status;
    const fv_data_field *a = &known->fields[input_field(known)], *b = &asked->fields[input_field(asked)];
    char expected[96], got[96];
    if (a->dtype != b->dtype || !fv_shape_equal(&a->shape, &b->shape))
        return fv_fail(error, FV_E_SHAPE, "neighbours: expected samples of %s %s, as the known ones are, got %s %s",
                       fv_dtype_name(a->dtype), fv_shape_text(&a->shape, expected, sizeof expected),
                       fv_dtype_name(b->dtype), fv_shape_text(&b->shape, got, sizeof got));
    if (s.most < 1 || s.most > MOST || s.most > known->count)
        return fv_fail(error, FV_E_ARGUMENT, "neighbours: expected a count of 1 to %lld, got %d",
                       (long long)(known->count < MOST ? known->count : MOST), s.most);
    status = read_rows(known, &s.known, error);
    if (!status) status = read_rows(asked, &s.asked, error);
    if (!status) status = find(&s, fv_default_pool(), error);
    fv_free(s.known.of);
    fv_free(s.asked.of);
    fv_free(s.distance);
    return status;
}
