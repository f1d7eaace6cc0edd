/* example.c - the tensors of worked examples, which records hold as text. */
#include "example.h"

#include "memory.h"
#include "philox.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static const char *const blanks = " \t\n;";

/* Takes the word off *at if it stands there. */
static bool take(const char **at, const char *word) {
    size_t length = strlen(word);
    if (strncmp(*at, word, length)) return false;
    *at += length;
    *at += strspn(*at, blanks);
    return true;
}

static bool read_shape(const char **at, fv_shape *shape) {
    *shape = (fv_shape){0, {0}};
    if (take(at, "scalar")) return true;
    for (;;) {
        char *end;
        long long size = strtoll(*at, &end, 10);
        if (end == *at || size < 0 || shape->rank == FV_MAX_RANK) return false;
        shape->dim[shape->rank++] = size;
        *at = end;
        if (*end != 'x') return true;
        ++*at;
    }
}

fv_status fv_example_read(const char *text, bool batched, fv_example_tensor *out, fv_error *error) {
    const char *at = text;
    *out = (fv_example_tensor){.count = 1};
    static const fv_dtype others[] = {FV_I32, FV_I64, FV_U8, FV_BOOL};
    out->type.dtype = FV_F32;
    for (int i = 0; i < 4 && out->type.dtype == FV_F32; i++)
        if (take(&at, fv_dtype_name(others[i]))) out->type.dtype = others[i];
    if (take(&at, "fixed")) batched = false;
    if (!read_shape(&at, &out->type.shape)) return fv_fail(error, FV_E_SYNTAX, "example: no shape in \"%.60s\"", text);
    for (int d = 0; d < out->type.shape.rank; d++)
        if (!fv_mul_i64(out->count, out->type.shape.dim[d], &out->count) || out->count > INT32_MAX)
            return fv_fail(error, FV_E_SYNTAX, "example: too many elements in \"%.60s\"", text);
    if (batched && out->type.shape.rank > 0) {
        out->batch = out->type.shape.dim[0];
        out->type.shape.dim[0] = FV_BATCH;
    }
    if (*at == ':')
        out->numbers = at + 1;
    else if (at[strspn(at, blanks)])
        return fv_fail(error, FV_E_SYNTAX, "example: expected : and numbers in \"%.60s\"", text);
    return FV_OK;
}

fv_status fv_example_numbers(const fv_example_tensor *tensor, uint64_t key, double *out, fv_error *error) {
    if (!tensor->numbers) {
        fv_stream stream = fv_stream_new(1, FV_FOR_TEST, 0, key);
        for (int64_t i = 0; i < tensor->count; i++)
            out[i] = tensor->type.dtype == FV_F32 ? (double)(float)(2 * fv_uniform(&stream) - 1) : 0;
        return FV_OK;
    }
    int64_t found = 0;
    for (const char *at = tensor->numbers + strspn(tensor->numbers, blanks); *at; at += strspn(at, blanks), found++) {
        size_t length = strcspn(at, blanks);
        char word[40] = {0};
        if (length < sizeof word) memcpy(word, at, length);
        if (found == tensor->count || !fv_parse_double(word, &out[found]))
            return fv_fail(error, FV_E_SYNTAX, "example: expected %lld numbers in \"%.80s\"", (long long)tensor->count,
                           tensor->numbers);
        at += length;
    }
    if (found == tensor->count) return FV_OK;
    return fv_fail(error, FV_E_SYNTAX, "example: expected %lld numbers, got %lld in \"%.80s\"",
                   (long long)tensor->count, (long long)found, tensor->numbers);
}
