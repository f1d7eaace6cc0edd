/* fuzz_names.c - any text as rules for names, up to a zero byte, and names to translate by them behind it. */
#include <string.h>

#include "weight_names.h"

#include "memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fv_error error;
    char *text = fv_alloc(size + 1);
    if (!text) return 0;
    memcpy(text, bytes, size);
    fv_weight_names *names = fv_weight_names_parse(text, "input", &error);
    for (size_t at = strlen(text) + 1; names && at < size; at += strlen(text + at) + 1) {
        fv_text name = {0};
        fv_weight_names_translate(names, text + at, &name);
        fv_text_free(&name);
    }
    fv_weight_names_free(names);
    fv_free(text);
    return 0;
}
