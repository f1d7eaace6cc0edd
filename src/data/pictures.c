/* pictures.c - samples from picture files of any kind and size, decoded when they are asked for and kept when all fit. */
#include "pictures.h"
#include "bytes.h"
#include "folder.h"
#include "memory.h"
#include "picture.h"
#include "pool.h"
#include "text.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const fv_picture_parts[FV_PARTS + 1] = {"train", "validation", "test", NULL};

#define DEFAULT_CACHE (INT64_C(1) << 30)

/* ---- the list --------------------------------------------------------------------------------------------------- */

fv_status fv_pictures_add(fv_pictures *p, const char *path, fv_error *error) {
    size_t length = strlen(path) + 1;
    if (p->name_capacity - p->name_bytes < length) {
        size_t capacity = (p->name_bytes + length) * 2;
        char *grown = fv_realloc(p->names, capacity);
        if (!grown) return fv_fail_memory(error, "a list of files", capacity);
        p->names = grown;
        p->name_capacity = capacity;
    }
    if (!fv_grow((void **)&p->at, &p->capacity, p->count, sizeof *p->at))
        return fv_fail_memory(error, "a list of files", (size_t)p->count * sizeof *p->at);
    memcpy(p->names + p->name_bytes, path, length);
    p->at[p->count++] = p->name_bytes;
    p->name_bytes += length;
    return FV_OK;
}

const char *fv_pictures_path(const fv_pictures *p, int64_t index) { return p->names + p->at[index]; }

void fv_pictures_free(fv_pictures *p) {
    fv_free(p->names);
    fv_free(p->at);
    fv_free(p->classes);
    fv_free(p->targets);
    fv_free(p->class_names);
    *p = (fv_pictures){0};
}

fv_status fv_pictures_set_classes(fv_pictures *p, const char *const *names, int count, fv_error *error) {
    size_t bytes = (size_t)count * sizeof(char *);
    for (int i = 0; i < count; i++) bytes += 4 * strlen(names[i]) + 1; /* an escape has four characters */
    char **block = fv_alloc(bytes ? bytes : 1);
    if (!block) return fv_fail_memory(error, "class names", bytes);
    char *to = (char *)(block + count);
    for (int i = 0; i < count; i++) {
        block[i] = to;
        to += fv_escape(names[i], to, 4 * strlen(names[i]) + 1) + 1;
    }
    fv_free(p->class_names);
    p->class_names = block;
    p->class_count = count;
    return FV_OK;
}

bool fv_names_picture(const char *path) {
    static const char *const endings[] = {"png", "jpg", "jpeg", "jpe", "jfif", "pgm",  "ppm", "pnm",
                                          "bmp", "gif", "webp", "tif", "tiff", "heic", "avif"};
    const char *extension = fv_extension(path);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (strcmp(extension, endings[i]) == 0) return true;
    unsigned char start[16];
    int64_t got = fv_read_start(path, start, sizeof start);
    return got > 0 && fv_picture_is(start, (size_t)got);
}

/* ---- decoding --------------------------------------------------------------------------------------------------- */

typedef enum slot_state { SLOT_EMPTY, SLOT_BEING_FILLED, SLOT_READY } slot_state;

typedef struct source {
    fv_pictures pictures;
    fv_fitting fit;
    double crop;
    fv_shape shape;
    size_t bytes;   /* of one fitted picture */
    int64_t *files; /* sample -> file where some are skipped; NULL: the same numbers */
    char **skipped;
    int64_t skipped_count;
    unsigned char *cache; /* by file; NULL: they do not all fit */
    _Atomic unsigned char *states;
} source;

static const source *source_of(const fv_data *data) { return data->self; }

static int64_t file_of(const source *s, int64_t index) { return s->files ? s->files[index] : index; }

/* Reading a pipe or a device might wait for ever. */
static bool is_readable(const char *path) {
    struct stat info;
    return stat(path, &info) != 0 || S_ISREG(info.st_mode); /* what is not there is told by who opens it */
}

static fv_status decode(const source *s, int64_t file, unsigned char *out, fv_error *error) {
    const char *path = fv_pictures_path(&s->pictures, file);
    fv_tensor picture = {0}, fitted = {.dtype = FV_U8, .shape = s->shape, .data = out};
    if (!is_readable(path)) return fv_fail_at(error, FV_E_FILE, path, 0, 0, "is neither a file nor a link to one");
    fv_status status = fv_picture_read(path, &picture, error);
    if (status != FV_OK) return status;
    fv_error inner = {0};
    status = fv_picture_fit(&picture, s->fit, s->crop, &fitted, &inner);
    fv_free(picture.data);
    return status == FV_OK ? FV_OK : fv_fail_at(error, status, path, 0, 0, "%s", inner.message);
}

/* From the cache, or from the file and, by the first who comes, into the cache. What is written there is the same whoever
 * writes it. */
static fv_status read_picture(const source *s, int64_t file, unsigned char *out, fv_error *error) {
    if (!s->cache) return decode(s, file, out, error);
    unsigned char *kept = s->cache + (size_t)file * s->bytes, empty = SLOT_EMPTY;
    _Atomic unsigned char *state = &s->states[file];
    if (atomic_load_explicit(state, memory_order_acquire) == SLOT_READY) {
        memcpy(out, kept, s->bytes);
        return FV_OK;
    }
    fv_status status = decode(s, file, out, error);
    if (status == FV_OK && atomic_compare_exchange_strong(state, &empty, SLOT_BEING_FILLED)) {
        memcpy(kept, out, s->bytes);
        atomic_store_explicit(state, SLOT_READY, memory_order_release);
    }
    return status;
}

static fv_status read_sample(const fv_data *data, int64_t index, void *const *out, fv_error *error) {
    const source *s = source_of(data);
    const fv_pictures *p = &s->pictures;
    int64_t file = file_of(s, index);
    if (p->classes)
        *(int32_t *)out[1] = p->classes[file];
    else if (p->targets)
        memcpy(out[1], p->targets + file * p->target_size, (size_t)p->target_size * sizeof(float));
    return read_picture(s, file, out[0], error);
}

static int64_t class_of(const fv_data *data, int64_t index) {
    const source *s = source_of(data);
    return s->pictures.classes[file_of(s, index)];
}

static bool has_part(const fv_data *data, const char *part) {
    for (int i = 0; i < FV_PARTS; i++)
        if (strcmp(part, fv_picture_parts[i]) == 0) return source_of(data)->pictures.has_parts[i];
    return strcmp(part, "all") == 0 && source_of(data)->pictures.split;
}

static void close_source(fv_data *data) {
    source *s = data->self;
    for (int64_t i = 0; i < s->skipped_count; i++) fv_free(s->skipped[i]);
    fv_free(s->skipped);
    fv_free(s->files);
    fv_free(s->cache);
    fv_free((void *)s->states);
    fv_pictures_free(&s->pictures);
    fv_free(s);
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

/* The size that was asked for, else that of the first picture (that can be read, where bad ones are skipped). */
static fv_status find_shape(source *s, const fv_data_options *o, fv_error *error) {
    int64_t height = o->height ? o->height : o->width, width = o->width ? o->width : o->height, channels = o->channels;
    fv_tensor first = {0};
    fv_status status = FV_OK;
    if (!height || !channels) {
        status = fv_picture_read(fv_pictures_path(&s->pictures, 0), &first, error);
        for (int i = 1; status != FV_OK && status != FV_E_MEMORY && o->skip_bad && i < s->pictures.count; i++)
            status = fv_picture_read(fv_pictures_path(&s->pictures, i), &first, error);
        fv_free(first.data);
        if (status != FV_OK) return status;
        if (!height) height = first.shape.dim[0], width = first.shape.dim[1];
        if (!channels) channels = first.shape.dim[2];
    }
    if (!fv_picture_size_good(height, width))
        return fv_fail(error, FV_E_ARGUMENT, "size of the pictures: %lldx%lld is too large", (long long)height,
                       (long long)width);
    s->shape = (fv_shape){.rank = 3, .dim = {height, width, channels}};
    s->bytes = (size_t)(height * width * channels);
    return FV_OK;
}

static size_t cache_budget(const fv_data_options *o) {
    if (o->cache_bytes) return o->cache_bytes > 0 ? (size_t)o->cache_bytes : 0;
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    int64_t quarter = pages > 0 && page > 0 ? (int64_t)pages / 4 * page : DEFAULT_CACHE;
    return (size_t)(quarter < DEFAULT_CACHE ? quarter : DEFAULT_CACHE);
}

/* Without memory for it everything works, only slower. */
static void make_cache(source *s, const fv_data_options *o) {
    size_t bytes, count = (size_t)s->pictures.count;
    if (!fv_mul_size(count, s->bytes, &bytes) || bytes > cache_budget(o)) return;
    s->states = fv_alloc(count);
    s->cache = s->states ? fv_alloc(bytes) : NULL;
}

/* ---- leaving bad files out -------------------------------------------------------------------------------------- */

typedef struct trial {
    const source *s;
    unsigned char *room; /* one picture a thread */
    char **problems;     /* by file; NULL: good */
    _Atomic bool memory_short;
} trial;

static void try_file(void *context, int64_t file, int thread) {
    trial *t = context;
    fv_error error = {0};
    fv_status status = read_picture(t->s, file, t->room + (size_t)thread * t->s->bytes, &error);
    if (status == FV_OK) return;
    char text[sizeof error.file + sizeof error.message + 8];
    fv_error_text(&error, text, sizeof text);
    t->problems[file] = fv_copy_text(text);
    if (status == FV_E_MEMORY || !t->problems[file]) atomic_store(&t->memory_short, true);
}

static fv_status keep_good(source *s, trial *t, fv_error *error) {
    int64_t count = s->pictures.count, bad = 0, good = 0;
    for (int64_t i = 0; i < count; i++) bad += t->problems[i] != NULL;
    if (bad == 0) return FV_OK;
    if (bad == count)
        return fv_fail(error, FV_E_FORMAT, "none of the %lld files can be read; the first: %s", (long long)count,
                       t->problems[0]);
    s->files = fv_alloc_array((size_t)(count - bad), sizeof *s->files);
    s->skipped = fv_alloc_array((size_t)bad, sizeof *s->skipped);
    if (!s->files || !s->skipped) return fv_fail_memory(error, "a list of files", (size_t)count * sizeof *s->files);
    for (int64_t i = 0; i < count; i++) {
        if (t->problems[i])
            s->skipped[s->skipped_count++] = t->problems[i], t->problems[i] = NULL;
        else
            s->files[good++] = i;
    }
    return FV_OK;
}

static fv_status skip_bad(source *s, fv_error *error) {
    fv_pool *pool = fv_default_pool();
    int64_t count = s->pictures.count;
    trial t = {.s = s,
               .room = fv_alloc_array((size_t)fv_pool_threads(pool), s->bytes),
               .problems = fv_alloc_array((size_t)count, sizeof *t.problems)};
    fv_status status = FV_OK;
    if (t.room && t.problems) fv_pool_run(pool, count, try_file, &t);
    if (!t.room || !t.problems || t.memory_short) status = fv_fail_memory(error, "trying all files", s->bytes);
    if (status == FV_OK) status = keep_good(s, &t, error);
    for (int64_t i = 0; t.problems && i < count; i++) fv_free(t.problems[i]);
    fv_free(t.problems);
    fv_free(t.room);
    return status;
}

static void describe(const source *s, fv_data *out) {
    const fv_pictures *p = &s->pictures;
    out->fields[out->field_count++] = (fv_data_field){.name = "picture", .dtype = FV_U8, .shape = s->shape};
    if (p->classes)
        out->fields[out->field_count++] = (fv_data_field){.name = "class", .dtype = FV_I32, .target = true};
    else if (p->targets)
        out->fields[out->field_count++] =
            (fv_data_field){.name = "target", .dtype = FV_F32, .shape = {1, {p->target_size}}, .target = true};
    out->class_count = p->class_count;
    out->class_names = (const char *const *)p->class_names;
    out->class_of = p->classes ? class_of : NULL;
}

fv_status fv_data_open_pictures(fv_pictures *pictures, const fv_data_options *options, fv_data *out, fv_error *error) {
    source *s = fv_alloc(sizeof *s);
    if (!s) {
        fv_pictures_free(pictures);
        return fv_fail_memory(error, "a data set", sizeof *s);
    }
    s->pictures = *pictures;
    *pictures = (fv_pictures){0};
    s->fit = options->fit;
    s->crop = options->crop;
    fv_data filled = {.read = read_sample,
                      .close = close_source,
                      .has_part = has_part,
                      .description = s->pictures.description,
                      .scale = 1.0 / 255,
                      .threads = true,
                      .self = s};
    fv_status status = find_shape(s, options, error);
    if (status == FV_OK) make_cache(s, options);
    if (status == FV_OK && options->skip_bad) status = skip_bad(s, error);
    if (status != FV_OK) {
        close_source(&filled);
        return status;
    }
    filled.count = s->pictures.count - s->skipped_count;
    filled.skipped_count = s->skipped_count;
    filled.skipped = (const char *const *)s->skipped;
    describe(s, &filled);
    memcpy(out, &filled, sizeof *out);
    return FV_OK;
}
