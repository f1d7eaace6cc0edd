/* twins.c - samples that are exactly the same: equal hashes first, then the bytes. */
#include "twins.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "memory.h"

typedef struct entry {
    uint64_t hash;
    int64_t sample; /* in the data */
    int32_t list;
    int32_t class_number;
} entry;

/* ---- one sample ------------------------------------------------------------------------------------------------- */

size_t fv_field_bytes(const fv_data_field *field) {
    return (size_t)fv_shape_count(&field->shape) * fv_dtype_size(field->dtype);
}

void fv_sample_fields(const fv_data *data, char *buffer, void *out[FV_MAX_FIELDS]) {
    for (int i = 0; i < data->field_count; i++) {
        out[i] = buffer;
        buffer += (fv_field_bytes(&data->fields[i]) + 15) / 16 * 16;
    }
}

int64_t fv_sample_class(const fv_data *data, void *const *fields) {
    for (int i = 0; i < data->field_count; i++) {
        const fv_data_field *f = &data->fields[i];
        if (!f->target || f->shape.rank != 0 || strcmp(f->name, "class") != 0) continue;
        switch (f->dtype) {
        case FV_I32: return *(const int32_t *)fields[i];
        case FV_I64: return *(const int64_t *)fields[i];
        case FV_U8:
        case FV_BOOL: return *(const unsigned char *)fields[i];
        default: return -1;
        }
    }
    return -1;
}

static uint64_t hash_of(const fv_data *data, void *const *fields) {
    uint64_t hash = FV_HASH_START;
    for (int i = 0; i < data->field_count; i++)
        if (!data->fields[i].target) hash = fv_hash(hash, fields[i], fv_field_bytes(&data->fields[i]));
    return hash;
}

/* Equal in all that is no target; sets with other fields have no twins. */
static bool same(const fv_data *a, void *const *x, const fv_data *b, void *const *y) {
    int j = 0;
    for (int i = 0; i < a->field_count; i++) {
        const fv_data_field *f = &a->fields[i];
        if (f->target) continue;
        while (j < b->field_count && b->fields[j].target) j++;
        if (j == b->field_count) return false;
        const fv_data_field *g = &b->fields[j];
        if (f->dtype != g->dtype || !fv_shape_equal(&f->shape, &g->shape)) return false;
        if (memcmp(x[i], y[j++], fv_field_bytes(f)) != 0) return false;
    }
    while (j < b->field_count && b->fields[j].target) j++;
    return j == b->field_count;
}

/* ---- all samples ------------------------------------------------------------------------------------------------ */

/* What is at work: two samples at a time. */
typedef struct search {
    const fv_sample_list *lists;
    char *buffer[2];
    void *fields[2][FV_MAX_FIELDS];
    const entry *held; /* what buffer 0 holds, NULL: nothing */
    fv_twins *out;
    int64_t inside; /* twins inside a list that were shown */
} search;

static bool read_entry(search *s, int into, const entry *e) {
    const fv_data *data = s->lists[e->list].data;
    if (into == 0 && s->held == e) return true;
    fv_sample_fields(data, s->buffer[into], s->fields[into]);
    bool good = data->read(data, e->sample, s->fields[into], NULL) == FV_OK;
    if (into == 0) s->held = good ? e : NULL;
    return good;
}

static int by_hash(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    if (x->list != y->list) return x->list < y->list ? -1 : 1;
    return (x->sample > y->sample) - (x->sample < y->sample);
}

static int by_place(const void *a, const void *b) {
    const fv_twin *x = a, *y = b;
    int inside_x = x->part == x->of_part, inside_y = y->part == y->of_part;
    if (inside_x != inside_y) return inside_x - inside_y;
    if (x->part != y->part) return x->part < y->part ? -1 : 1;
    return (x->sample > y->sample) - (x->sample < y->sample);
}

/* Keeps the first ones in the order of by_place, whatever the order of the hashes is. */
static void show(fv_twins *out, fv_twin twin) {
    if (out->shown < FV_MAX_TWINS)
        out->twin[out->shown++] = twin;
    else if (by_place(&twin, &out->twin[FV_MAX_TWINS - 1]) < 0)
        out->twin[FV_MAX_TWINS - 1] = twin;
    else
        return;
    qsort(out->twin, (size_t)out->shown, sizeof twin, by_place);
}

/* Entry e repeats `first`, the first of its kind; `before` says in which lists it was seen. */
static void count_twin(search *s, const entry *first, const entry *e, const bool before[FV_MAX_LISTS]) {
    bool other_class = first->class_number != e->class_number;
    for (int list = 0; list <= e->list; list++) s->out->count[list][e->list] += before[list];
    s->out->conflicts += other_class;
    show(s->out, (fv_twin){.part = e->list,
                           .of_part = first->list,
                           .sample = e->sample,
                           .of_sample = first->sample,
                           .other_class = other_class});
}

/* Entries of one hash. Those that equal the first one are taken out; what is left (a collision) goes round again. */
static void compare_group(search *s, entry *group, int64_t count) {
    while (count > 1) {
        const entry first = group[0];
        bool before[FV_MAX_LISTS] = {false};
        int64_t left = 0;
        s->held = NULL;
        before[first.list] = true;
        for (int64_t i = 1; i < count; i++) {
            bool twin = read_entry(s, 0, &first) && read_entry(s, 1, &group[i]) &&
                        same(s->lists[first.list].data, s->fields[0], s->lists[group[i].list].data, s->fields[1]);
            if (twin) {
                count_twin(s, &first, &group[i], before);
                before[group[i].list] = true;
            } else
                group[left++] = group[i];
        }
        count = left;
    }
}

static int64_t hash_all(search *s, int lists, entry *entries) {
    int64_t count = 0;
    for (int l = 0; l < lists; l++) {
        const fv_sample_list *list = &s->lists[l];
        fv_sample_fields(list->data, s->buffer[0], s->fields[0]);
        for (int64_t i = 0; i < list->count; i++) {
            int64_t sample = list->samples ? list->samples[i] : i;
            if (list->data->read(list->data, sample, s->fields[0], NULL) != FV_OK) continue;
            entries[count++] = (entry){.hash = hash_of(list->data, s->fields[0]),
                                       .sample = sample,
                                       .list = l,
                                       .class_number = (int32_t)fv_sample_class(list->data, s->fields[0])};
        }
    }
    return count;
}

fv_status fv_find_twins(const fv_sample_list *lists, int count, fv_twins *out, fv_error *error) {
    memset(out, 0, sizeof *out);
    if (count < 1 || count > FV_MAX_LISTS)
        return fv_fail(error, FV_E_ARGUMENT, "twins: expected 1 to %d lists of samples, got %d", FV_MAX_LISTS, count);
    search s = {.lists = lists, .out = out};
    size_t total = 0, largest = 1, bytes = 0;
    for (int l = 0; l < count; l++) {
        total += (size_t)lists[l].count;
        if (lists[l].data->sample_bytes > largest) largest = lists[l].data->sample_bytes;
    }
    entry *entries = fv_mul_size(total + 1, sizeof *entries, &bytes) ? fv_alloc(bytes) : NULL;
    s.buffer[0] = fv_alloc(largest);
    s.buffer[1] = fv_alloc(largest);
    bool good = entries && s.buffer[0] && s.buffer[1];
    if (good) {
        int64_t n = hash_all(&s, count, entries);
        qsort(entries, (size_t)n, sizeof *entries, by_hash);
        for (int64_t first = 0, last; first < n; first = last) {
            for (last = first + 1; last < n && entries[last].hash == entries[first].hash; last++) {
            }
            compare_group(&s, entries + first, last - first);
        }
    }
    fv_free(entries);
    fv_free(s.buffer[0]);
    fv_free(s.buffer[1]);
    return good ? FV_OK : fv_fail_memory(error, "hashes of samples", bytes + 2 * largest);
}
