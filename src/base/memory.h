/* memory.h - checked sizes, allocation with a hook for tests, and an arena. */
#ifndef FV_BASE_MEMORY_H
#define FV_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* a*b and a+b into *out; false when the result does not fit (or is negative for the int64 forms). */
bool fv_mul_size(size_t a, size_t b, size_t *out);
bool fv_add_size(size_t a, size_t b, size_t *out);
bool fv_mul_i64(int64_t a, int64_t b, int64_t *out);
bool fv_add_i64(int64_t a, int64_t b, int64_t *out);

/* Every allocation of the library goes through these: tests count them and let the n-th fail. */
void *fv_alloc(size_t bytes); /* zeroed; NULL when memory is short or bytes is 0 */
void *fv_alloc_array(size_t count, size_t each);
void *fv_realloc(void *memory, size_t bytes); /* like realloc */
/* 64-byte aligned, 2 MiB and more in huge pages where there are any; not zeroed; free with fv_free_aligned. */
void *fv_alloc_aligned(size_t bytes);
void fv_free_aligned(void *memory);
char *fv_copy_text(const char *text); /* NULL for NULL */

/* For tests: how many allocations so far and how many bytes they asked for; the allocation after `countdown` more fails
 * (negative: none does). */
uint64_t fv_alloc_count(void);
uint64_t fv_alloc_bytes(void);
void fv_alloc_fail_after(int64_t countdown);

/* Makes room for one more element in an array that doubles: `if (!fv_grow((void **)&a, &cap, count, sizeof *a)) ...` */
bool fv_grow(void *array_pointer, int *capacity, int count, size_t each);

/* An arena: many small things that die together. */
typedef struct fv_arena fv_arena;
fv_arena *fv_arena_new(void);
void fv_arena_free(fv_arena *arena);
void *fv_arena_take(fv_arena *arena, size_t bytes); /* zeroed, 16-byte aligned */
char *fv_arena_text(fv_arena *arena, const char *text, size_t length);
char *fv_arena_printf(fv_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
