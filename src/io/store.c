/* store.c - named tensors and named texts, found by name in constant time. */
#include "store.h"
#include "hash.h"
#include "memory.h"

#include <string.h>

/* Both lists start their records with the name, so that one index serves both. */
typedef struct item {
    char *name;
    fv_tensor tensor;
} item;
typedef struct note {
    char *key, *value;
} note;

/* A list of records with an open-addressing index over their names: slot = position + 1, 0 empty. */
typedef struct list {
    void *records;
    int count, capacity;
    int *slots;
    size_t slot_count; /* a power of two, more than twice `count` */
} list;

struct fv_store {
    list items, notes;
    void **kept;
    int kept_count, kept_capacity;
};

static const char *name_at(const list *l, size_t each, int index) {
    return *(char *const *)((const char *)l->records + (size_t)index * each);
}

static size_t slot_of(const list *l, size_t each, const char *name) {
    size_t slot = (size_t)fv_hash_text(name) & (l->slot_count - 1);
    while (l->slots[slot] && strcmp(name_at(l, each, l->slots[slot] - 1), name) != 0)
        slot = (slot + 1) & (l->slot_count - 1);
    return slot;
}

static int find(const list *l, size_t each, const char *name) {
    return l->slot_count > 0 ? l->slots[slot_of(l, each, name)] - 1 : -1;
}

/* Makes room for one more record and its slot. */
static bool make_room(list *l, size_t each) {
    if (!fv_grow(&l->records, &l->capacity, l->count, each)) return false;
    if ((size_t)l->count * 2 + 2 <= l->slot_count) return true;
    size_t slot_count = l->slot_count ? l->slot_count * 2 : 64;
    int *slots = fv_alloc_array(slot_count, sizeof *slots), *old = l->slots;
    if (!slots) return false;
    l->slots = slots;
    l->slot_count = slot_count;
    for (int i = 0; i < l->count; i++) slots[slot_of(l, each, name_at(l, each, i))] = i + 1;
    fv_free(old);
    return true;
}

/* The record is complete; its place was made by make_room. */
static void enter(list *l, size_t each, const char *name) {
    l->slots[slot_of(l, each, name)] = l->count + 1;
    l->count++;
}

fv_store *fv_store_new(void) { return fv_alloc(sizeof(fv_store)); }

void fv_store_free(fv_store *store) {
    if (!store) return;
    item *items = store->items.records;
    note *notes = store->notes.records;
    for (int i = 0; i < store->items.count; i++) fv_free(items[i].name);
    for (int i = 0; i < store->notes.count; i++) {
        fv_free(notes[i].key);
        fv_free(notes[i].value);
    }
    for (int i = 0; i < store->kept_count; i++) fv_free(store->kept[i]);
    fv_free(items);
    fv_free(notes);
    fv_free(store->items.slots);
    fv_free(store->notes.slots);
    fv_free(store->kept);
    fv_free(store);
}

fv_status fv_store_keep(fv_store *store, void *memory, fv_error *error) {
    if (!fv_grow((void **)&store->kept, &store->kept_capacity, store->kept_count, sizeof *store->kept))
        return fv_fail_memory(error, "a list of tensors", sizeof *store->kept);
    store->kept[store->kept_count++] = memory;
    return FV_OK;
}

int fv_store_count(const fv_store *store) { return store->items.count; }

const char *fv_store_name(const fv_store *store, int index) { return ((const item *)store->items.records)[index].name; }

fv_tensor fv_store_tensor(const fv_store *store, int index) {
    return ((const item *)store->items.records)[index].tensor;
}

int fv_store_find(const fv_store *store, const char *name) { return find(&store->items, sizeof(item), name); }

fv_status fv_store_add(fv_store *store, const char *name, fv_tensor tensor, fv_error *error) {
    if (fv_store_find(store, name) >= 0) return fv_fail(error, FV_E_ARGUMENT, "two tensors are called \"%s\"", name);
    char *copy = fv_copy_text(name);
    if (!copy || !make_room(&store->items, sizeof(item))) {
        fv_free(copy);
        return fv_fail_memory(error, "a tensor's name", strlen(name));
    }
    ((item *)store->items.records)[store->items.count] = (item){copy, tensor};
    enter(&store->items, sizeof(item), copy);
    return FV_OK;
}

int fv_store_note_count(const fv_store *store) { return store->notes.count; }

const char *fv_store_note_key(const fv_store *store, int index) {
    return ((const note *)store->notes.records)[index].key;
}

const char *fv_store_note(const fv_store *store, const char *key) {
    int index = find(&store->notes, sizeof(note), key);
    return index >= 0 ? ((const note *)store->notes.records)[index].value : NULL;
}

fv_status fv_store_set_note(fv_store *store, const char *key, const char *value, fv_error *error) {
    char *copy = fv_copy_text(value);
    if (!copy) return fv_fail_memory(error, key, value ? strlen(value) : 0);
    int index = find(&store->notes, sizeof(note), key);
    if (index >= 0) {
        note *old = (note *)store->notes.records + index;
        fv_free(old->value);
        old->value = copy;
        return FV_OK;
    }
    char *name = fv_copy_text(key);
    if (!name || !make_room(&store->notes, sizeof(note))) {
        fv_free(name);
        fv_free(copy);
        return fv_fail_memory(error, key, strlen(value));
    }
    ((note *)store->notes.records)[store->notes.count] = (note){name, copy};
    enter(&store->notes, sizeof(note), name);
    return FV_OK;
}

uint64_t fv_store_hash(const fv_store *store, const char *except) {
    uint64_t sum = 0; /* a sum knows no order */
    for (int i = 0; i < store->items.count; i++) {
        const item *it = (const item *)store->items.records + i;
        uint64_t h =
            fv_hash(fv_hash_text(it->name), it->tensor.shape.dim, (size_t)it->tensor.shape.rank * sizeof(int64_t));
        size_t bytes = (size_t)fv_shape_count(&it->tensor.shape) * fv_dtype_size(it->tensor.dtype);
        sum += fv_hash(h + (uint64_t)it->tensor.dtype, it->tensor.data, bytes);
    }
    for (int i = 0; i < store->notes.count; i++) {
        const note *n = (const note *)store->notes.records + i;
        if (!except || strcmp(n->key, except) != 0) sum += fv_hash(fv_hash_text(n->key), n->value, strlen(n->value));
    }
    return sum;
}
