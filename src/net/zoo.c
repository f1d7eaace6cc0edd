/* zoo.c - the networks that the library carries. */
#include "zoo.h"

#include "fovea.h"

#include <string.h>

int fv_zoo_count(void) {
    int count = 0;
    while (fv_zoo_entries[count].name) count++;
    return count;
}

const char *fv_zoo_name(int index) { return index >= 0 && index < fv_zoo_count() ? fv_zoo_entries[index].name : NULL; }

const char *fv_zoo_text(const char *name) {
    size_t length = strlen(name);
    if (length > 4 && strcmp(name + length - 4, ".net") == 0) length -= 4;
    for (const fv_zoo_entry *e = fv_zoo_entries; e->name; e++)
        if (strlen(e->name) == length && strncmp(e->name, name, length) == 0) return e->text;
    return NULL;
}
