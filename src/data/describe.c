/* describe.c - what is in a set of data: numbers, classes, what is broken, what is there twice. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "source.h"
#include "text.h"
#include "twins.h"

/* The facts with the memory that they point into. */
typedef struct facts {
    fv_data_facts open; /* what the caller sees; must be the first member */
    fv_arena *arena;
} facts;

/* ---- numbers ---------------------------------------------------------------------------------------------------- */

/* Mean and squares of so many numbers; two of them are joined without loss (Chan, Golub and LeVeque 1979). */
typedef struct moments {
    double count, mean, squares, least, most;
} moments;

static void add_number(moments *m, double x) {
    double step = x - m->mean;
    m->count++;
    m->mean += step / m->count;
    m->squares += step * (x - m->mean);
    if (m->count == 1 || x < m->least) m->least = x;
    if (m->count == 1 || x > m->most) m->most = x;
}

static void join(moments *a, const moments *b) {
    if (b->count == 0) return;
    double count = a->count + b->count, step = b->mean - a->mean;
    a->squares += b->squares + step * step * a->count * b->count / count;
    a->mean += step * b->count / count;
    if (a->count == 0 || b->least < a->least) a->least = b->least;
    if (a->count == 0 || b->most > a->most) a->most = b->most;
    a->count = count;
}

static fv_range range_of(const moments *m) {
    if (m->count == 0) return (fv_range){NAN, NAN, NAN, NAN};
    return (fv_range){m->least, m->most, m->mean, sqrt(m->squares / m->count)};
}

static double number_at(fv_dtype dtype, const void *numbers, int64_t i) {
    switch (dtype) {
    case FV_F32: return ((const float *)numbers)[i];
    case FV_F64: return ((const double *)numbers)[i];
    case FV_I32: return ((const int32_t *)numbers)[i];
    case FV_I64: return (double)((const int64_t *)numbers)[i];
    default: return ((const unsigned char *)numbers)[i];
    }
}

static int channels_of(const fv_data_field *field) {
    const fv_shape *shape = &field->shape;
    int64_t last = shape->rank > 0 ? shape->dim[shape->rank - 1] : 1;
    return last > 1 && last <= FV_MAX_RANGES ? (int)last : 1;
}

/* ---- one part --------------------------------------------------------------------------------------------------- */

typedef struct study {
    const fv_data *data;
    fv_part_facts *facts;
    fv_arena *arena;
    int64_t *class_samples;
    int32_t *classes;                           /* of every sample, -1: none */
    moments sums[FV_MAX_FIELDS][FV_MAX_RANGES]; /* by channel */
    void *fields[FV_MAX_FIELDS];
} study;

static void add_bytes(moments *sums, int channels, const unsigned char *bytes, int64_t count) {
    for (int c = 0; c < channels; c++) {
        uint64_t sum = 0, squares = 0, n = 0; /* exact: a sample has fewer than 2^47 bytes */
        unsigned char least = 255, most = 0;
        for (int64_t i = c; i < count; i += channels, n++) {
            unsigned char x = bytes[i];
            sum += x;
            squares += (uint64_t)x * x;
            if (x < least) least = x;
            if (x > most) most = x;
        }
        double mean = (double)sum / (double)n;
        moments one = {(double)n, mean, (double)squares - (double)sum * mean, least, most};
        if (one.squares < 0) one.squares = 0;
        join(&sums[c], &one);
    }
}

/* Adds the numbers of a field; false if one is not finite. */
static bool add_field(moments *sums, const fv_data_field *field, const void *numbers) {
    int channels = channels_of(field);
    int64_t count = fv_shape_count(&field->shape);
    bool finite = true;
    if (field->dtype == FV_U8 || field->dtype == FV_BOOL) {
        add_bytes(sums, channels, numbers, count);
        return true;
    }
    moments own[FV_MAX_RANGES] = {{0}};
    for (int64_t i = 0; i < count; i++) {
        double x = number_at(field->dtype, numbers, i);
        if (isfinite(x))
            add_number(&own[i % channels], x);
        else
            finite = false;
    }
    for (int c = 0; c < channels; c++) join(&sums[c], &own[c]);
    return finite;
}

/* Is it the same number everywhere? A single number says nothing. */
static bool is_constant(const fv_data_field *field, const void *numbers) {
    size_t each = fv_dtype_size(field->dtype), bytes = fv_field_bytes(field);
    const char *p = numbers;
    return bytes > each && memcmp(p, p + each, bytes - each) == 0;
}

static void call_broken(study *s, int64_t sample, const char *why) {
    if (s->facts->broken++) return;
    s->facts->first_broken = sample;
    s->facts->why_broken = fv_arena_text(s->arena, why, strlen(why));
}

static void look_at(study *s, int64_t sample) {
    const fv_data *data = s->data;
    fv_error error = {0};
    char why[160];
    s->classes[sample] = -1;
    if (data->read(data, sample, s->fields, &error)) {
        call_broken(s, sample, error.message);
        return;
    }
    bool constant = false, broken = false;
    for (int i = 0; i < data->field_count; i++) {
        const fv_data_field *field = &data->fields[i];
        if (!add_field(s->sums[i], field, s->fields[i]) && !broken) {
            snprintf(why, sizeof why, "'%s' holds numbers that are not finite", field->name);
            broken = true;
        }
        constant |= !field->target && is_constant(field, s->fields[i]);
    }
    int64_t class_number = fv_sample_class(data, s->fields);
    if (class_number >= 0 && class_number < data->class_count) {
        s->classes[sample] = (int32_t)class_number;
        s->class_samples[class_number]++;
    } else if (data->class_count && !broken) {
        snprintf(why, sizeof why, "class %lld, where there are %d", (long long)class_number, data->class_count);
        broken = true;
    }
    if (broken) call_broken(s, sample, why);
    if (constant && !s->facts->constant++) s->facts->first_constant = sample;
}

/* What the last tenth, Keras's validation_split=0.1, would hold. In mixed samples a class of n is missing there with chance
 * 0.9^n; more missing classes than such chances explain mean that the order is no accident. */
static void look_at_order(study *s, int64_t *in_tail) {
    enum { TENTH = 10, ENOUGH = 5 };
    fv_part_facts *f = s->facts;
    int64_t tail = f->samples / TENTH;
    double expected = 0, missing = 0;
    if (!f->class_count || !tail) return;
    for (int64_t i = f->samples - tail; i < f->samples; i++)
        if (s->classes[i] >= 0) in_tail[s->classes[i]]++;
    for (int c = 0; c < f->class_count; c++) {
        int64_t all = s->class_samples[c];
        if (!all) continue;
        f->tail_classes += in_tail[c] > 0;
        f->tail_alone += all >= ENOUGH && in_tail[c] == all;
        expected += pow(1 - 1.0 / TENTH, (double)all);
        missing += !in_tail[c];
    }
    f->sorted = f->tail_alone > 0 || missing > expected + 4 * sqrt(expected) + 0.5;
}

static void conclude(study *s, fv_field_facts *fields) {
    for (int i = 0; i < s->data->field_count; i++) {
        int channels = channels_of(&s->data->fields[i]);
        moments all = {0};
        for (int c = 0; c < channels; c++) join(&all, &s->sums[i][c]);
        fields[i].all = range_of(&all);
        fields[i].channels = channels > 1 ? channels : 0;
        for (int c = 0; c < fields[i].channels; c++) fields[i].channel[c] = range_of(&s->sums[i][c]);
    }
}

static fv_status describe_part(const fv_data_part *part, fv_arena *arena, fv_part_facts *out, fv_error *error) {
    const fv_data *data = part->data;
    size_t classes = (size_t)data->class_count;
    *out = (fv_part_facts){.samples = data->count,
                           .first_constant = -1,
                           .first_broken = -1,
                           .class_count = data->class_count,
                           .field_count = data->field_count};
    fv_field_facts *fields = fv_arena_take(arena, (size_t)data->field_count * sizeof *fields);
    study s = {.data = data, .facts = out, .arena = arena};
    s.class_samples = fv_arena_take(arena, (classes + 1) * sizeof *s.class_samples);
    s.classes = fv_alloc_array((size_t)data->count, sizeof *s.classes);
    int64_t *in_tail = fv_alloc_array(classes + 1, sizeof *in_tail);
    char *buffer = fv_alloc(data->sample_bytes);
    out->name = fv_arena_text(arena, part->name ? part->name : "", part->name ? strlen(part->name) : 0);
    out->fields = fields;
    out->class_samples = s.class_samples;
    bool good = fields && s.class_samples && s.classes && in_tail && buffer && out->name;
    if (good) {
        fv_sample_fields(data, buffer, s.fields);
        for (int64_t i = 0; i < data->count; i++) look_at(&s, i);
        look_at_order(&s, in_tail);
        conclude(&s, fields);
    }
    fv_free(buffer);
    fv_free(in_tail);
    fv_free(s.classes);
    return good ? FV_OK : fv_fail_memory(error, "facts of a data set", (size_t)data->count * sizeof *s.classes);
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

static fv_status find_twins(const fv_data_part *parts, int count, fv_data_facts *out, fv_error *error) {
    fv_sample_list lists[FV_MAX_PARTS];
    fv_twins twins;
    for (int i = 0; i < count; i++) lists[i] = (fv_sample_list){.data = parts[i].data, .count = parts[i].data->count};
    fv_status status = fv_find_twins(lists, count, &twins, error);
    if (status) return status;
    memcpy(out->twins, twins.count, sizeof out->twins);
    memcpy(out->shown_twin, twins.twin, sizeof out->shown_twin);
    out->conflicts = twins.conflicts;
    out->shown = twins.shown;
    return FV_OK;
}

fv_data_facts *fv_data_describe(const fv_data_part *parts, int count, fv_error *error) {
    if (count < 1 || count > FV_MAX_PARTS || !parts)
        return fv_fail(error, FV_E_ARGUMENT, "describe: expected 1 to %d parts, got %d", FV_MAX_PARTS, count), NULL;
    for (int i = 0; i < count; i++)
        if (!parts[i].data) return fv_fail(error, FV_E_ARGUMENT, "describe: part %d has no data", i), NULL;
    facts *all = fv_alloc(sizeof *all);
    fv_arena *arena = all ? fv_arena_new() : NULL;
    fv_status status = arena ? FV_OK : fv_fail_memory(error, "facts of a data set", sizeof *all);
    if (all) all->arena = arena, all->open.part_count = count;
    for (int i = 0; i < count && !status; i++) status = describe_part(&parts[i], arena, &all->open.part[i], error);
    if (!status) status = find_twins(parts, count, &all->open, error);
    if (!status) return &all->open;
    if (all) fv_data_facts_free(&all->open);
    return NULL;
}

void fv_data_facts_free(fv_data_facts *open) {
    if (!open) return;
    facts *all = (facts *)(void *)open;
    fv_arena_free(all->arena);
    fv_free(all);
}
