/* split.c - holding back a part of the samples for validation. */
#include "source.h"
#include "memory.h"
#include "philox.h"

#include <stdlib.h>
#include <string.h>

/* One sample with its class and a random number: sorted by both, every class comes shuffled and in one run. */
typedef struct ticket {
    int64_t class_number;
    uint64_t draw;
    int64_t index;
} ticket;

static int by_class(const void *a, const void *b) {
    const ticket *x = a, *y = b;
    if (x->class_number != y->class_number) return x->class_number < y->class_number ? -1 : 1;
    if (x->draw != y->draw) return x->draw < y->draw ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* The ticket of sample i draws at position i of one stream, whatever the classes are. */
static fv_status draw_tickets(const fv_data *data, uint64_t seed, ticket *tickets, fv_error *error) {
    fv_stream stream = fv_stream_new(seed, FV_FOR_SPLIT, 0, 0);
    for (int64_t i = 0; i < data->count; i++) {
        uint64_t high = fv_next(&stream);
        fv_error inner = {0};
        int64_t class_number = fv_data_class_of(data, i, &inner);
        if (inner.status != FV_OK) {
            if (error) *error = inner;
            return inner.status;
        }
        tickets[i] = (ticket){class_number, high << 32 | fv_next(&stream), i};
    }
    qsort(tickets, (size_t)data->count, sizeof *tickets, by_class);
    return FV_OK;
}

/* Marks how[i] = 1 for held samples. In the order of the tickets sample number k is held when the rounded share of the
 * first k+1 exceeds that of the first k: every class gives its part to within one sample, and the total is exact. */
static void hold_stratified(const ticket *tickets, int64_t count, int64_t held, unsigned char *how) {
    for (int64_t k = 0; k < count; k++) {
        double before = (double)held * (double)k / (double)count,
               after = (double)held * (double)(k + 1) / (double)count;
        if ((int64_t)(after + 0.5) > (int64_t)(before + 0.5)) how[tickets[k].index] = 1;
    }
}

fv_status fv_data_split(const fv_data *data, double part, bool tail, uint64_t seed, int64_t **train,
                        int64_t *train_count, int64_t **held, int64_t *held_count, fv_error *error) {
    if (!(part >= 0 && part <= 1))
        return fv_fail(error, FV_E_ARGUMENT, "validation split: expected 0 to 1, got %g", part);
    int64_t count = data->count, n = (int64_t)((double)count * part + 0.5);
    if (n > count) n = count;
    size_t bytes;
    if (!fv_mul_size((size_t)count, sizeof(ticket), &bytes))
        return fv_fail_memory(error, "a validation split", SIZE_MAX);
    bool shuffled = !tail && n > 0 && n < count;
    ticket *tickets = shuffled ? fv_alloc(bytes) : NULL;
    unsigned char *how = fv_alloc((size_t)count);
    int64_t *lists[2] = {fv_alloc_array((size_t)(count - n) + 1, sizeof(int64_t)),
                         fv_alloc_array((size_t)n + 1, sizeof(int64_t))};
    fv_status status = (shuffled && !tickets) || !how || !lists[0] || !lists[1]
                           ? fv_fail_memory(error, "a validation split", bytes)
                           : FV_OK;
    if (status == FV_OK && shuffled) status = draw_tickets(data, seed, tickets, error);
    if (status == FV_OK) {
        if (shuffled)
            hold_stratified(tickets, count, n, how);
        else
            memset(how + (count - n), 1, (size_t)n);
        int64_t counts[2] = {0, 0};
        for (int64_t i = 0; i < count; i++) lists[how[i]][counts[how[i]]++] = i;
        *train = lists[0], *train_count = counts[0];
        *held = lists[1], *held_count = counts[1];
    } else {
        fv_free(lists[0]);
        fv_free(lists[1]);
    }
    fv_free(how);
    fv_free(tickets);
    return status;
}
