/* names.c - names of layers: scopes, ordinals, uniqueness ("block2.conv1").
 *
 * One hash table holds two kinds of entries: names in use, and for "SCOPE#WORD" how often WORD was applied in SCOPE. A
 * point or # cannot be part of a word, so the two never meet.
 */
#include "graph.h"

#include "hash.h"

#include <stdio.h>
#include <string.h>

typedef struct entry {
    const char *key;
    int count; /* a name: 1 while it is in use */
} entry;

typedef struct frame {
    const char *path; /* of the scope outside */
    struct frame *outer;
} frame;

struct fv_scope {
    const char *path; /* "stage1.block2.", or "" */
    frame *open;
    entry *table; /* open addressing, a power of two of slots */
    size_t slots, used;
};

bool fv_names_open(fv_net *net) {
    net->scope = fv_alloc(sizeof *net->scope);
    if (net->scope) net->scope->path = "";
    return net->scope != NULL;
}

void fv_names_close(fv_net *net) {
    if (net->scope) fv_free(net->scope->table);
    fv_free(net->scope);
    net->scope = NULL;
}

/* The slot of `key`, or the empty one where it belongs. The table is never full. */
static entry *slot_of(entry *table, size_t slots, const char *key) {
    size_t i = (size_t)fv_hash_text(key) & (slots - 1);
    while (table[i].key && strcmp(table[i].key, key) != 0) i = (i + 1) & (slots - 1);
    return &table[i];
}

static bool grow(struct fv_scope *scope) {
    if (scope->used * 2 < scope->slots) return true;
    size_t slots = scope->slots ? scope->slots * 2 : 64;
    entry *table = fv_alloc_array(slots, sizeof *table);
    if (!table) return false;
    for (size_t i = 0; i < scope->slots; i++)
        if (scope->table[i].key) *slot_of(table, slots, scope->table[i].key) = scope->table[i];
    fv_free(scope->table);
    scope->table = table;
    scope->slots = slots;
    return true;
}

/* The entry of `key` (which must live as long as the net), made when there is none. NULL when memory is short. */
static entry *entry_of(struct fv_scope *scope, const char *key) {
    if (!grow(scope)) return NULL;
    entry *e = slot_of(scope->table, scope->slots, key);
    if (!e->key) {
        e->key = key;
        scope->used++;
    }
    return e;
}

bool fv_names_valid(const char *name) {
    bool start = true;
    for (const char *s = name; *s; s++) {
        bool letter = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || *s == '_';
        bool digit = *s >= '0' && *s <= '9';
        if (*s == '.' ? start : start ? !letter : !letter && !digit) return false;
        start = *s == '.';
    }
    return !start;
}

bool fv_names_used(const fv_net *net, const char *name) {
    const struct fv_scope *scope = net->scope;
    return scope->slots && slot_of(scope->table, scope->slots, name)->count > 0;
}

fv_status fv_names_take(fv_net *net, const char *name, fv_error *error) {
    if (fv_names_used(net, name)) return fv_fail(error, FV_E_ARGUMENT, "the name \"%s\" is used twice", name);
    entry *e = entry_of(net->scope, name);
    if (!e) return fv_fail_memory(error, "a name", strlen(name));
    e->count = 1;
    return FV_OK;
}

void fv_names_release(fv_net *net, const char *name) {
    if (fv_names_used(net, name)) slot_of(net->scope->table, net->scope->slots, name)->count = 0;
}

/* How often `word` was applied in the scope that the first `length` characters of `path` name. */
static entry *counter_of(fv_net *net, const char *path, size_t length, const char *word) {
    const char *key = fv_arena_printf(net->arena, "%.*s#%s", (int)length, path, word);
    return key ? entry_of(net->scope, key) : NULL;
}

const char *fv_names_next(fv_net *net, const char *word) {
    const char *path = net->scope->path;
    entry *counter = counter_of(net, path, strlen(path), word);
    const char *name = NULL;
    while (counter) {
        name = fv_arena_printf(net->arena, "%s%s%d", path, word, ++counter->count);
        if (!name || !fv_names_used(net, name)) break;
    }
    return name;
}

const char *fv_names_given(fv_net *net, const char *word, const char *name, fv_error *error) {
    if (!fv_names_valid(name)) {
        fv_fail(
            error, FV_E_ARGUMENT,
            "\"%.80s\" cannot be a name: letters, digits and _ are allowed, the first no digit, parts joined by points",
            name);
        return NULL;
    }
    const char *full = fv_arena_printf(net->arena, "%s%s", net->scope->path, name);
    if (full && fv_names_used(net, full)) {
        fv_fail(error, FV_E_ARGUMENT, "the name \"%s\" is used twice", full);
        return NULL;
    }
    /* A name with points in it belongs to the scope that it spells, as if it had been made there. */
    const char *point = full ? strrchr(full, '.') : NULL;
    entry *counter = full ? counter_of(net, full, point ? (size_t)(point - full) + 1 : 0, word) : NULL;
    if (!counter) {
        fv_fail_memory(error, "a name", strlen(name));
        return NULL;
    }
    counter->count++;
    return full;
}

/* ---- scopes ----------------------------------------------------------------------------------------------------- */

/* Opens the scope `full` (NULL: *reason says why there is none). It is opened even after a mistake, so that the
 * matching fv_leave finds it; a scope's name is in use like a layer's. */
static void enter(fv_net *net, const char *full, fv_error *reason) {
    if (full) fv_names_take(net, full, reason);
    const char *path = fv_arena_printf(net->arena, "%s.", full ? full : "scope");
    frame *f = fv_arena_take(net->arena, sizeof *f);
    if (path && f) {
        *f = (frame){net->scope->path, net->scope->open};
        net->scope->open = f;
        net->scope->path = path;
    } else {
        fv_fail_memory(reason, "a scope", sizeof *f);
    }
    if (reason->status != FV_OK) fv_net_report(net, reason, NULL);
}

void fv_enter(fv_net *net, const char *name) {
    if (!net) return;
    fv_error reason = {0};
    bool valid = name && fv_names_valid(name) && !strchr(name, '.');
    const char *full = valid ? fv_names_next(net, name) : NULL;
    if (!valid)
        fv_fail(&reason, FV_E_ARGUMENT, "fv_enter: \"%.80s\" cannot be a name: letters, digits and _ are allowed",
                name ? name : "");
    else if (!full)
        fv_fail_memory(&reason, "a scope", strlen(name));
    enter(net, full, &reason);
}

void fv_net_enter_named(fv_net *net, const char *word, const char *name) {
    fv_error reason = {0};
    enter(net, fv_names_given(net, word, name, &reason), &reason);
}

void fv_leave(fv_net *net) {
    if (!net) return;
    frame *f = net->scope->open;
    if (!f) {
        fv_error reason = {0};
        fv_fail(&reason, FV_E_ARGUMENT, "fv_leave without fv_enter");
        fv_net_report(net, &reason, NULL);
        return;
    }
    net->scope->path = f->path;
    net->scope->open = f->outer;
}
