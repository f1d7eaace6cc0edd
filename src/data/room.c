#include "room.h"

#include "memory.h"

enum { HEAD = 64 };

/* In front of the memory: how much there is. */
static size_t *size_of(void *room) { return (size_t *)(void *)((char *)room - HEAD); }

void *fv_room_take(_Atomic(void *) *kept, size_t bytes) {
    void *room = atomic_exchange(kept, NULL);
    if (room && *size_of(room) >= bytes) return room;
    if (room) fv_free_aligned(size_of(room));
    size_t all;
    char *memory = fv_add_size(bytes, HEAD, &all) ? fv_alloc_aligned(all) : NULL;
    if (!memory) return NULL;
    *(size_t *)(void *)memory = bytes;
    return memory + HEAD;
}

void fv_room_put(_Atomic(void *) *kept, void *room) {
    void *other = room ? atomic_exchange(kept, room) : NULL;
    if (other) fv_free_aligned(size_of(other));
}

void fv_room_free(_Atomic(void *) *kept) {
    void *room = atomic_exchange(kept, NULL);
    if (room) fv_free_aligned(size_of(room));
}
