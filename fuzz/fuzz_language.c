/* Any text is either refused or becomes a net whose own text means the same net. Built with -fsanitize=fuzzer,address.
 */
#include "fovea.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (!text) return 0;
    memcpy(text, data, size);
    text[size] = 0;
    fv_net *net = fv_net_parse(text, "fuzz", NULL, 0, NULL);
    if (net) {
        char *flat = fv_net_text(net);
        fv_net *again = flat ? fv_net_parse(flat, "flat", NULL, 0, NULL) : NULL;
        char *twice = again ? fv_net_text(again) : NULL;
        if (!twice || strcmp(flat, twice) != 0) abort();
        fv_free(twice);
        fv_net_free(again);
        fv_free(flat);
        fv_net_free(net);
    }
    free(text);
    return 0;
}
