/* fuzz_csv.c - any bytes as a list: rows of fields that end and lie one behind the other, or an error. */
#include "csv.h"
#include "memory.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fv_error error;
    fv_csv csv;
    bool more = true;
    char *text = fv_alloc(size + 1);
    if (!text) return 0;
    memcpy(text, bytes, size);
    fv_status status = fv_csv_begin(&csv, text, size, "input", &error);
    while (status == FV_OK && more) {
        status = fv_csv_row(&csv, &more, &error);
        for (int i = 0; status == FV_OK && more && i < csv.count; i++) {
            const char *field = csv.fields[i];
            if (field < text || field + strlen(field) > text + size) __builtin_trap();
        }
    }
    fv_csv_end(&csv);
    fv_free(text);
    return 0;
}
