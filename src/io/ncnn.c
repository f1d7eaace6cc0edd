/* ncnn.c - ncnn's .param and .bin. The text says what each layer is; the numbers lie in the order of its lines, nothing between
 * them: before a layer's weights 4 bytes say how they are kept, then come the biases as 32-bit floats. */
#include "ncnn.h"

#include "bytes.h"
#include "elements.h"
#include "memory.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_LIMIT = 16 << 20, LINE_LIMIT = 4096, WORD_LIMIT = 256, NUMBERS = 20 };
static const size_t BIN_LIMIT = (size_t)4 << 30;
static const uint32_t PLAIN = 0, HALF = 0x01306B47;

/* What the numbers behind a line's `key=` mean. */
enum {
    OUTPUTS = 0,
    KERNEL_WIDTH = 1,
    CONV_BIAS = 5,
    CONV_WEIGHTS = 6,
    KERNEL_HEIGHT = 11,
    DENSE_BIAS = 1,
    DENSE_WEIGHTS = 2
};

typedef struct reader {
    fv_store *store;
    const unsigned char *at;
    size_t left;
    const char *file;
    int line;
    fv_error *error;
} reader;

typedef struct layer {
    char type[WORD_LIMIT], name[WORD_LIMIT];
    int64_t number[NUMBERS];
    bool given[NUMBERS];
} layer;

/* ---- a line of the text ----------------------------------------------------------------------------------------- */

/* The next word of the line into `out`; false at its end, or if it is too long. */
static bool next_word(const char **at, char out[WORD_LIMIT]) {
    *at += strspn(*at, " \t\r");
    size_t length = strcspn(*at, " \t\r\n");
    if (length == 0 || length >= WORD_LIMIT) return false;
    memcpy(out, *at, length);
    out[length] = 0;
    *at += length;
    return true;
}

static bool whole_number(const char *text, int64_t least, int64_t most, int64_t *out) {
    char *end;
    long long value = strtoll(text, &end, 10);
    *out = value;
    return end != text && *end == 0 && value >= least && value <= most;
}

static fv_status bad_line(const reader *r, const char *expected, const char *got) {
    return fv_fail_at(r->error, FV_E_FORMAT, r->file, r->line, 0, "expected %s, got '%.60s'", expected, got);
}

/* `TYPE NAME inputs outputs BLOB... key=value...`; keys beyond those that matter here are passed over. */
static fv_status read_layer(const reader *r, const char *at, layer *out) {
    char word[WORD_LIMIT];
    int64_t blobs[2];
    *out = (layer){.type = ""};
    if (!next_word(&at, out->type) || !next_word(&at, out->name)) return bad_line(r, "a layer's type and name", at);
    for (int i = 0; i < 2; i++)
        if (!next_word(&at, word) || !whole_number(word, 0, LINE_LIMIT, &blobs[i]))
            return bad_line(r, "how many inputs and outputs the layer has", word);
    for (int64_t i = 0; i < blobs[0] + blobs[1]; i++)
        if (!next_word(&at, word)) return bad_line(r, "the names of the layer's inputs and outputs", at);
    while (next_word(&at, word)) {
        char *value = strchr(word, '=');
        int64_t key;
        if (!value) return bad_line(r, "key=value", word);
        *value++ = 0;
        if (!whole_number(word, INT32_MIN, INT32_MAX, &key)) return bad_line(r, "a number in front of '='", word);
        if (key < 0 || key >= NUMBERS) continue;
        out->given[key] = whole_number(value, INT32_MIN, INT32_MAX, &out->number[key]);
    }
    return FV_OK;
}

/* ---- numbers ---------------------------------------------------------------------------------------------------- */

static fv_status too_short(const reader *r, const layer *l, size_t need) {
    return fv_fail_at(r->error, FV_E_FORMAT, r->file, r->line, 0, "%s: expected %zu bytes of numbers, %zu are left",
                      l->name, need, r->left);
}

/* `count` elements become a tensor of the store; a run of them is padded to whole words of 4 bytes. */
static fv_status take(reader *r, const layer *l, const char *part, fv_element element, const fv_shape *shape) {
    size_t count, bytes;
    if (!fv_elements_claimed(element, shape, &count, &bytes) || bytes > r->left || count > SIZE_MAX / sizeof(float))
        return too_short(r, l, bytes);
    size_t padded = (bytes + 3) / 4 * 4;
    if (padded > r->left) return too_short(r, l, padded);
    fv_text name = {0};
    float *data = fv_alloc_array(count, sizeof *data);
    fv_text_printf(&name, "%s.%s", l->name, part);
    fv_status status = data && !name.failed ? FV_OK : fv_fail_memory(r->error, r->file, bytes);
    if (!status && !fv_elements_convert(element, false, r->at, count, data))
        status = fv_fail_at(r->error, FV_E_FORMAT, r->file, r->line, 0, "%s cannot be read", name.data);
    if (!status) status = fv_store_keep(r->store, data, r->error);
    if (status) fv_free(data);
    fv_tensor tensor = {.dtype = FV_F32, .shape = *shape, .data = data};
    if (!status) status = fv_store_add(r->store, name.data, tensor, r->error);
    fv_text_free(&name);
    r->at += padded;
    r->left -= padded;
    return status;
}

static fv_status take_weights(reader *r, const layer *l, const fv_shape *shape, bool bias) {
    if (r->left < 4) return too_short(r, l, 4);
    uint32_t kept = (uint32_t)r->at[0] | (uint32_t)r->at[1] << 8 | (uint32_t)r->at[2] << 16 | (uint32_t)r->at[3] << 24;
    if (kept != PLAIN && kept != HALF)
        return fv_fail_at(r->error, FV_E_UNSUPPORTED, r->file, r->line, 0,
                          "%s: its numbers are kept as 0x%08X; known are 0 (f32) and 0x%08X (f16)", l->name,
                          (unsigned)kept, (unsigned)HALF);
    r->at += 4;
    r->left -= 4;
    fv_status status = take(r, l, "weight", kept == HALF ? FV_EL_F16 : FV_EL_F32, shape);
    fv_shape outputs = {1, {shape->dim[0]}};
    return !status && bias ? take(r, l, "bias", FV_EL_F32, &outputs) : status;
}

/* [out][in][kh][kw] or, without a kernel, [out][in]: `in` follows from how many weights there are. */
static fv_status weight_shape(const reader *r, const layer *l, int64_t height, int64_t width, int weights,
                              fv_shape *out) {
    int64_t each, total = l->number[weights], outputs = l->number[OUTPUTS];
    bool sound = outputs > 0 && height > 0 && width > 0 && total > 0 && fv_mul_i64(height, width, &each) &&
                 fv_mul_i64(each, outputs, &each) && total % each == 0;
    if (!sound)
        return fv_fail_at(r->error, FV_E_FORMAT, r->file, r->line, 0,
                          "%s: %lld weights are no whole number of inputs to %lld outputs through %lldx%lld", l->name,
                          (long long)total, (long long)outputs, (long long)height, (long long)width);
    *out = (fv_shape){4, {outputs, total / each, height, width}};
    return FV_OK;
}

static fv_status read_numbers(reader *r, const layer *l) {
    static const char *const bare[] = {"Input",   "Split",   "Concat",  "Pooling", "ReLU",    "Softmax",
                                       "Dropout", "Flatten", "Eltwise", "Sigmoid", "Reshape", "LRN"};
    fv_shape shape;
    if (!strcmp(l->type, "Convolution")) {
        int64_t width = l->number[KERNEL_WIDTH], height = l->given[KERNEL_HEIGHT] ? l->number[KERNEL_HEIGHT] : width;
        fv_status status = weight_shape(r, l, height, width, CONV_WEIGHTS, &shape);
        return status ? status : take_weights(r, l, &shape, l->number[CONV_BIAS] != 0);
    }
    if (!strcmp(l->type, "InnerProduct")) {
        fv_status status = weight_shape(r, l, 1, 1, DENSE_WEIGHTS, &shape);
        shape.rank = 2;
        return status ? status : take_weights(r, l, &shape, l->number[DENSE_BIAS] != 0);
    }
    for (size_t i = 0; i < sizeof bare / sizeof *bare; i++)
        if (!strcmp(l->type, bare[i])) return FV_OK;
    return fv_fail_at(r->error, FV_E_UNSUPPORTED, r->file, r->line, 0, "layer %s is a %s, which is not known", l->name,
                      l->type);
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

static fv_status read_all(reader *r, const char *text) {
    static const char magic[] = "7767517";
    layer l;
    if (strncmp(text, magic, sizeof magic - 1) != 0) return bad_line(r, magic, text);
    for (; *text; text += *text == '\n', r->line++) {
        size_t length = strcspn(text, "\n");
        if (length > LINE_LIMIT) return bad_line(r, "a line of at most 4096 bytes", text);
        bool blank = strspn(text, " \t\r") >= length;
        if (r->line > 2 && !blank) { /* behind the magic number and the counts */
            fv_status status = read_layer(r, text, &l);
            if (!status) status = read_numbers(r, &l);
            if (status) return status;
        }
        text += length;
    }
    if (!r->left) return FV_OK;
    return fv_fail_at(r->error, FV_E_FORMAT, r->file, 0, 0,
                      "%zu bytes of numbers are left when every layer has its own", r->left);
}

fv_store *fv_ncnn_parse(const char *text, const unsigned char *bytes, size_t size, const char *name, fv_error *error) {
    reader r = {.store = fv_store_new(), .at = bytes, .left = size, .file = name, .line = 1, .error = error};
    if (!r.store) return fv_fail_memory(error, name, 0), NULL;
    if (!read_all(&r, text)) return r.store;
    fv_store_free(r.store);
    return NULL;
}

fv_store *fv_ncnn_read(const char *path, fv_error *error) {
    unsigned char *text = NULL, *bytes = NULL;
    size_t text_size, size, stem = strlen(path) - strlen(fv_extension(path));
    fv_store *store = NULL;
    fv_text bin = {0};
    fv_text_printf(&bin, "%.*sbin", (int)stem, path);
    if (bin.failed)
        fv_fail_memory(error, path, 0);
    else if (!fv_read_bytes(path, TEXT_LIMIT, &text, &text_size, error) &&
             !fv_read_raw_bytes(bin.data, BIN_LIMIT, &bytes, &size, error))
        store = fv_ncnn_parse((const char *)text, bytes, size, path, error);
    fv_free(text);
    fv_free(bytes);
    fv_text_free(&bin);
    return store;
}
