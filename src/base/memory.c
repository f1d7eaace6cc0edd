#include "memory.h"

#include "fovea.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- checked sizes ------------------------------------------------------------------------------------------------
 */

bool fv_mul_size(size_t a, size_t b, size_t *out) { return !__builtin_mul_overflow(a, b, out); }
bool fv_add_size(size_t a, size_t b, size_t *out) { return !__builtin_add_overflow(a, b, out); }
bool fv_mul_i64(int64_t a, int64_t b, int64_t *out) { return !__builtin_mul_overflow(a, b, out) && *out >= 0; }
bool fv_add_i64(int64_t a, int64_t b, int64_t *out) { return !__builtin_add_overflow(a, b, out) && *out >= 0; }

/* ---- allocation ---------------------------------------------------------------------------------------------------
 */

static atomic_uint_fast64_t allocations, allocated;
static atomic_int_fast64_t fail_after = -1;

uint64_t fv_alloc_count(void) { return atomic_load(&allocations); }
uint64_t fv_alloc_bytes(void) { return atomic_load(&allocated); }
void fv_alloc_fail_after(int64_t countdown) { atomic_store(&fail_after, countdown); }

/* Counts an allocation; false when a test wants this one to fail. */
static bool allowed(size_t bytes) {
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&allocated, bytes, memory_order_relaxed);
    if (atomic_load_explicit(&fail_after, memory_order_relaxed) < 0) return true;
    return atomic_fetch_sub(&fail_after, 1) != 0;
}

void *fv_alloc(size_t bytes) { return bytes > 0 && allowed(bytes) ? calloc(1, bytes) : NULL; }

void *fv_alloc_array(size_t count, size_t each) {
    size_t bytes;
    return fv_mul_size(count, each, &bytes) ? fv_alloc(bytes) : NULL;
}

void *fv_realloc(void *memory, size_t bytes) { return bytes > 0 && allowed(bytes) ? realloc(memory, bytes) : NULL; }

enum { LINE = 64, HUGE = 2 * 1024 * 1024 };

/* Whole huge pages where the system has them: weights that are read once a picture miss the translation of every small
 * page, and the processor fetches nothing ahead across its end. What is no whole huge page stays small: no byte is resident
 * that was not asked for. */
static void *with_huge_pages(void *memory, size_t bytes) {
#ifdef MADV_HUGEPAGE
    if (memory) madvise(memory, bytes / HUGE * HUGE, MADV_HUGEPAGE); /* advice: without it all works the same */
#else
    (void)bytes;
#endif
    return memory;
}

void *fv_alloc_aligned(size_t bytes) {
    const size_t alignment = bytes < HUGE ? LINE : HUGE;
    size_t rounded;
    if (bytes == 0 || !fv_add_size(bytes, alignment - 1, &rounded) || !allowed(bytes)) return NULL;
    void *memory = aligned_alloc(alignment, rounded - rounded % alignment);
    return bytes < HUGE ? memory : with_huge_pages(memory, bytes);
}

void fv_free_aligned(void *memory) { free(memory); }

void fv_free(void *memory) { free(memory); }

char *fv_copy_text(const char *text) {
    if (!text) return NULL;
    size_t size = strlen(text) + 1;
    char *copy = fv_alloc(size);
    if (copy) memcpy(copy, text, size);
    return copy;
}

bool fv_grow(void *array_pointer, int *capacity, int count, size_t each) {
    if (count < *capacity) return true;
    int wanted = *capacity ? *capacity * 2 : 8;
    if (*capacity > INT32_MAX / 2) return false;
    size_t bytes;
    if (!fv_mul_size((size_t)wanted, each, &bytes)) return false;
    void *old, *array;
    memcpy(&old, array_pointer, sizeof old);
    array = fv_realloc(old, bytes);
    if (!array) return false;
    memset((char *)array + (size_t)*capacity * each, 0, (size_t)(wanted - *capacity) * each);
    memcpy(array_pointer, &array, sizeof array);
    *capacity = wanted;
    return true;
}

/* ---- arena --------------------------------------------------------------------------------------------------------
 */

typedef struct block {
    struct block *next;
    size_t used, size;
} block;

struct fv_arena {
    block *blocks; /* the newest first */
};

enum { BLOCK_BYTES = 16384, HEADER = (sizeof(block) + 15) / 16 * 16 };

fv_arena *fv_arena_new(void) { return fv_alloc(sizeof(fv_arena)); }

void fv_arena_free(fv_arena *arena) {
    if (!arena) return;
    for (block *b = arena->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(arena);
}

static block *add_block(fv_arena *arena, size_t bytes) {
    size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES, whole;
    if (!fv_add_size(size, HEADER, &whole)) return NULL;
    block *b = fv_alloc(whole);
    if (!b) return NULL;
    b->size = size;
    b->next = arena->blocks;
    arena->blocks = b;
    return b;
}

void *fv_arena_take(fv_arena *arena, size_t bytes) {
    if (!arena || bytes > SIZE_MAX - 16) return NULL;
    bytes = (bytes + 15) / 16 * 16;
    block *b = arena->blocks;
    if (!b || b->size - b->used < bytes) b = add_block(arena, bytes);
    if (!b) return NULL;
    void *memory = (char *)b + HEADER + b->used;
    b->used += bytes;
    return memory;
}

char *fv_arena_text(fv_arena *arena, const char *text, size_t length) {
    char *copy = fv_arena_take(arena, length + 1);
    if (copy) memcpy(copy, text, length);
    return copy;
}

char *fv_arena_printf(fv_arena *arena, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    char *text = length < 0 ? NULL : fv_arena_take(arena, (size_t)length + 1);
    if (text) vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(arguments);
    return text;
}
