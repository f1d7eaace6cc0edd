/* dropout.c - the mask is Philox (philox.h), as many blocks side by side as a vector has lanes; rules.h says which word
 * belongs to which element. */
#include "pieces.h"
#include "rules.h"

enum { BLOCKS = FV_LANES, WORDS = 4 * BLOCKS };

typedef struct job {
    const fv_call *call;
    int64_t each_pieces, size; /* pieces of a sample, elements of a piece: a multiple of WORDS */
    int64_t samples;           /* of a piece, when samples are small */
} job;

/* High and low halves of a * b in every lane. */
FV_INLINE vu multiply(vu a, uint32_t b, vu *low) {
    *low = a * b;
#if FV_LANES == 16
    const __m512i factor = _mm512_set1_epi32((int32_t)b);
    __m512i even = _mm512_mul_epu32((__m512i)a, factor),
            odd = _mm512_mul_epu32(_mm512_srli_epi64((__m512i)a, 32), factor);
    return (vu)_mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
#elif FV_LANES == 8
    const __m256i factor = _mm256_set1_epi32((int32_t)b);
    __m256i even = _mm256_mul_epu32((__m256i)a, factor),
            odd = _mm256_mul_epu32(_mm256_srli_epi64((__m256i)a, 32), factor);
    return (vu)_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
#else
    vu high;
    for (int i = 0; i < FV_LANES; i++) high[i] = (uint32_t)((uint64_t)a[i] * b >> 32);
    return high;
#endif
}

/* fv_philox for counters first, first+1, ...: words[4*l + w] is word w of block l. */
static void philox_blocks(const fv_stream *stream, uint32_t first, uint32_t words[WORDS]) {
    uint32_t k0 = stream->key[0], k1 = stream->key[1];
    vu zero = {0}, c0 = (vu)vi_lanes() + first, c1 = zero + stream->counter[1], c2 = zero + stream->counter[2];
    vu c3 = zero + stream->counter[3];
    for (int round = 0; round < 10; round++) {
        vu low0, low1, high0 = multiply(c0, 0xD2511F53u, &low0), high1 = multiply(c2, 0xCD9E8D57u, &low1);
        c0 = high1 ^ c1 ^ k0;
        c2 = high0 ^ c3 ^ k1;
        c1 = low1;
        c3 = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    uint32_t column[4][BLOCKS];
    memcpy(column[0], &c0, sizeof c0);
    memcpy(column[1], &c1, sizeof c1);
    memcpy(column[2], &c2, sizeof c2);
    memcpy(column[3], &c3, sizeof c3);
    for (int l = 0; l < BLOCKS; l++)
        for (int w = 0; w < 4; w++) words[4 * l + w] = column[w][l];
}

/* Elements first .. first+count-1 of a sample, first a multiple of WORDS. */
static void drop(const fv_dropout_geom *g, const fv_stream *stream, const float *x, float *y, int64_t first,
                 int64_t count) {
    uint64_t bound = fv_dropout_bound(g);
    float kept = (float)(1 / (1 - g->rate));
    uint32_t words[WORDS];
    if (bound >> 32) { /* everything is dropped */
        memset(y + first, 0, (size_t)count * sizeof *y);
        return;
    }
    for (int64_t i = first; i < first + count; i += WORDS) {
        int64_t now = first + count - i < WORDS ? first + count - i : WORDS;
        philox_blocks(stream, (uint32_t)(i / 4), words);
        FV_EACH_VECTOR(now, k, lanes, {
            vu word;
            memcpy(&word, words + k, sizeof word); /* k + FV_LANES <= WORDS */
            vi stays = (vi)(word >= (uint32_t)bound);
            vf_store_lanes(y + i + k, (vf)((vi)(vf_load_lanes(x + i + k, lanes) * kept) & stays), lanes);
        });
    }
}

static void dropout_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_dropout_geom *g = &j->call->geom->dropout;
    int64_t first = piece / j->each_pieces * j->samples, last = first + j->samples,
            at = piece % j->each_pieces * j->size;
    int64_t count = g->each - at < j->size ? g->each - at : j->size;
    for (int64_t s = first; s < last && s < j->call->n; s++) {
        fv_stream stream = fv_dropout_stream(g, j->call->now, s);
        drop(g, &stream, (const float *)j->call->arg[1] + s * g->each, (float *)j->call->arg[0] + s * g->each, at,
             count);
    }
}

static fv_status run_dropout(const fv_call *call) {
    const fv_dropout_geom *g = &call->geom->dropout;
    if (!call->now) return FV_E_ARGUMENT;
    job j = {call, 1, g->each, 1};
    int64_t pieces = fv_cut(call->n, g->each * 2, &j.samples); /* a mask costs about as much as reading twice */
    if (j.samples == 1 && g->each > FV_PIECE) {
        j.size = FV_PIECE;
        j.each_pieces = (g->each + j.size - 1) / j.size;
    }
    fv_pool_run(call->pool, pieces * j.each_pieces, dropout_piece, &j);
    return FV_OK;
}

const fv_kernel FV_SYMBOL(kernel_dropout) = {.name = "dropout.blocks", .run = run_dropout};
