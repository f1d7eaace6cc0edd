#include "hash.h"

#include <string.h>

/* Mixes eight bytes at a time by multiplication and shift (the finaliser of splitmix64); not for secrets. */
static uint64_t mix(uint64_t h, uint64_t word) {
    h ^= word;
    h *= UINT64_C(0xbf58476d1ce4e5b9);
    h ^= h >> 29;
    h *= UINT64_C(0x94d049bb133111eb);
    return h ^ h >> 32;
}

static uint64_t little_endian(const unsigned char *bytes, size_t count) {
    uint64_t word = 0;
    for (size_t i = 0; i < count; i++) word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

uint64_t fv_hash(uint64_t start, const void *bytes, size_t count) {
    const unsigned char *b = bytes;
    uint64_t h = mix(start, count);
    size_t i = 0;
    for (; i + 8 <= count; i += 8) h = mix(h, little_endian(b + i, 8));
    return i < count ? mix(h, little_endian(b + i, count - i)) : h;
}

uint64_t fv_hash_text(const char *text) { return fv_hash(FV_HASH_START, text, strlen(text)); }
