/* hash.h - a 64-bit hash of bytes, the same on every machine (for names and for "are these the same weights"). */
#ifndef FV_BASE_HASH_H
#define FV_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define FV_HASH_START UINT64_C(0x9e3779b97f4a7c15)
uint64_t fv_hash(uint64_t start, const void *bytes, size_t count); /* chain: pass the last result as start */
uint64_t fv_hash_text(const char *text);

#endif
