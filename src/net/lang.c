/* lang.c - the doors to the network language: parse a text, load a file or a network of the zoo. */
#include "lang.h"

#include "bytes.h"
#include "error.h"
#include "zoo.h"

#include <string.h>
#include <sys/stat.h>

fv_status fv_lang_parse_into(fv_net *net, const char *text, const char *name, const fv_setting *settings, int count,
                             fv_error *error) {
    fv_arena *arena = fv_arena_new();
    if (!arena) return fv_fail_memory(error, "the network's text", 0);
    fv_lang_program *program = fv_lang_read(net, text, name, arena, error);
    fv_status status = program ? fv_lang_expand(program, net, settings, count, arena, error) : FV_E_SYNTAX;
    fv_arena_free(arena);
    return status ? status : fv_net_check(net, error);
}

fv_net *fv_net_parse(const char *text, const char *name, const fv_setting *settings, int count, fv_error *error) {
    if (!text || count < 0 || (count > 0 && !settings)) {
        fv_fail(error, FV_E_ARGUMENT, "fv_net_parse: expected a text and its settings");
        return NULL;
    }
    fv_net *net = fv_net_new();
    if (!net) {
        fv_fail_memory(error, "a network", sizeof *net);
        return NULL;
    }
    if (fv_lang_parse_into(net, text, name ? name : "net", settings, count, error) == FV_OK) return net;
    fv_net_free(net);
    return NULL;
}

/* "zoo/lenet5.net" -> "lenet5.net" */
static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static fv_net *no_such_net(const char *path, fv_error *error) {
    const char *near =
        strchr(path, '/') ? NULL : fv_nearest(path, &fv_zoo_entries[0].name, sizeof fv_zoo_entries[0], fv_zoo_count());
    if (near)
        fv_fail(error, FV_E_FILE, "'%s' is neither a file nor a network of the zoo; did you mean '%s'?", path, near);
    else
        fv_fail(error, FV_E_FILE, "'%s' is neither a file nor a network of the zoo", path);
    return NULL;
}

fv_net *fv_net_load(const char *path, const fv_setting *settings, int count, fv_error *error) {
    struct stat about;
    unsigned char *bytes;
    size_t size;
    if (!path) {
        fv_fail(error, FV_E_ARGUMENT, "fv_net_load: expected the name of a file or of a network of the zoo");
        return NULL;
    }
    if (stat(path, &about) != 0) {
        const char *text = strchr(path, '/') ? NULL : fv_zoo_text(path);
        return text ? fv_net_parse(text, path, settings, count, error) : no_such_net(path, error);
    }
    if (fv_read_bytes(path, FV_LANG_MAX_TEXT, &bytes, &size, error)) return NULL;
    fv_net *net = NULL;
    if (memchr(bytes, 0, size))
        fv_fail_at(error, FV_E_FORMAT, path, 0, 0,
                   "this is not the text of a network: it holds bytes that are no text");
    else
        net = fv_net_parse((const char *)bytes, last_part(path), settings, count, error);
    fv_free(bytes);
    return net;
}

const char *fv_net_get(const fv_net *net, const char *section, const char *key) {
    return net && section && key ? fv_net_find_setting(net, section, key) : NULL;
}
