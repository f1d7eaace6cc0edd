/* lang_names.c - a table from names to numbers, fast also for nets of many thousand lines. */
#include "lang.h"

#include "hash.h"

#include <string.h>

/* The slot of `name`: the one that holds it, or the free one where it belongs. */
static int find_slot(const fv_lang_table *table, const char *name) {
    int i = (int)(fv_hash_text(name) & (uint64_t)(table->slot_count - 1));
    while (table->slots[i] && strcmp(table->entries[table->slots[i] - 1].name, name) != 0)
        i = (i + 1) & (table->slot_count - 1);
    return i;
}

struct fv_lang_entry *fv_lang_find(const fv_lang_table *table, const char *name) {
    if (!table->slot_count) return NULL;
    int entry = table->slots[find_slot(table, name)];
    return entry ? &table->entries[entry - 1] : NULL;
}

static bool grow_slots(fv_lang_table *table) {
    if (table->count * 2 < table->slot_count) return true;
    int wanted = table->slot_count ? table->slot_count * 2 : 16;
    int *slots = fv_alloc_array((size_t)wanted, sizeof *slots);
    if (!slots) return false;
    fv_free(table->slots);
    table->slots = slots;
    table->slot_count = wanted;
    for (int i = 0; i < table->count; i++) slots[find_slot(table, table->entries[i].name)] = i + 1;
    return true;
}

bool fv_lang_put(fv_lang_table *table, const char *name, int64_t value, int line) {
    struct fv_lang_entry *old = fv_lang_find(table, name);
    if (old) {
        old->value = value;
        old->line = line;
        return true;
    }
    if (!fv_grow((void *)&table->entries, &table->capacity, table->count, sizeof *table->entries)) return false;
    if (!grow_slots(table)) return false;
    table->entries[table->count] = (struct fv_lang_entry){name, value, line};
    table->slots[find_slot(table, name)] = ++table->count;
    return true;
}

void fv_lang_table_free(fv_lang_table *table) {
    fv_free(table->entries);
    fv_free(table->slots);
    *table = (fv_lang_table){0};
}

const char *fv_lang_nearest(const fv_lang_table *table, const char *name) {
    /* Names far from any mistake's line are not worth the time in a huge net. */
    enum { LOOK = 4096 };
    int first = table->count > LOOK ? table->count - LOOK : 0;
    return table->count ? fv_nearest(name, &table->entries[first].name, sizeof *table->entries, table->count - first)
                        : NULL;
}
