/* contact_sheet.c - one picture with many pictures of a set of data: a row for each class, else one after the other. */
#include <stdio.h>
#include <string.h>

#include "augmented.h"
#include "glyphs.h"
#include "memory.h"
#include "picture.h"
#include "sample_picture.h"

enum {
    GAP = 4,          /* pixels between pictures */
    MARGIN = 16,      /* around all of them */
    LABEL = 2,        /* pixels of a label's dot */
    ROW_CLASSES = 40, /* more classes have no row of their own */
    WIDEST = 1600,    /* pixels, as far as it is for the program to choose */
    MOST = 400        /* pictures */
};

static const unsigned char paper[3] = {250, 250, 248}, ink[3] = {60, 64, 72};

/* Which samples are shown, and where. */
typedef struct sheet {
    const fv_data *data;
    int64_t side, most, columns, rows;
    int64_t left; /* pixels for labels */
    bool by_class;
    int64_t *samples; /* [rows][columns], -1: none */
    fv_tensor picture;
} sheet;

/* A picture of 28 pixels is shown twice as large, one of 224 in 96 pixels. */
static int64_t choose_side(const fv_data *data) {
    enum { LEAST = 40, LARGEST = 96 };
    const fv_shape *shape = &data->fields[fv_picture_field(data)].shape;
    int64_t longer = shape->dim[0] > shape->dim[1] ? shape->dim[0] : shape->dim[1], side = longer;
    while (side < LEAST) side += longer;
    return side < LARGEST ? side : LARGEST;
}

static char *label_of(const fv_data *data, int class_number, char out[24]) {
    enum { LETTERS = 12 };
    snprintf(out, 24, "%s", data->class_names ? data->class_names[class_number] : "");
    int letters = 0;
    for (char *s = out; *s; s++) {
        if (((unsigned char)*s & 0xc0) != 0x80 && ++letters > LETTERS) *s = 0;
        if (!*s) break;
    }
    return out;
}

static int64_t widest_label(const fv_data *data) {
    int64_t widest = 0;
    char label[24];
    for (int c = 0; c < data->class_count; c++) {
        int64_t width = fv_label_width(label_of(data, c, label), LABEL);
        if (width > widest) widest = width;
    }
    return widest;
}

static void lay_out(sheet *s, int columns) {
    const fv_data *data = s->data;
    s->side = choose_side(data);
    s->by_class = data->class_count > 1 && data->class_count <= ROW_CLASSES;
    s->left = s->by_class ? widest_label(data) + 2 * GAP : 0;
    int64_t fit = (WIDEST - 2 * MARGIN - s->left) / (s->side + GAP);
    s->columns = columns > 0                                        ? columns
                 : s->by_class && fit > s->most / data->class_count ? s->most / data->class_count
                                                                    : fit;
    if (s->columns < 1) s->columns = 1;
    int64_t shown = data->count < s->most ? data->count : s->most;
    s->rows = s->by_class ? data->class_count : (shown + s->columns - 1) / s->columns;
}

/* Evenly spread over all samples, those without a class of their own row as well. */
static void choose_in_order(sheet *s) {
    int64_t shown = s->data->count < s->most ? s->data->count : s->most;
    for (int64_t i = 0; i < s->rows * s->columns; i++) s->samples[i] = i < shown ? i * s->data->count / shown : -1;
}

/* Evenly spread over the samples of each class: the k-th of n picked of m is number k*m/n. */
static fv_status choose_by_class(sheet *s, fv_error *error) {
    int64_t count = s->data->count;
    int classes = s->data->class_count;
    int32_t *of = fv_alloc_array((size_t)count, sizeof *of);
    int64_t *all = fv_alloc_array((size_t)classes, sizeof *all), *seen = fv_alloc_array((size_t)classes, sizeof *seen);
    fv_status status = of && all && seen ? FV_OK : fv_fail_memory(error, "classes of samples", (size_t)count * 4);
    for (int64_t i = 0; i < s->rows * s->columns; i++) s->samples[i] = -1;
    for (int64_t i = 0; i < count && !status; i++) {
        int64_t c = fv_data_class_of(s->data, i, NULL);
        of[i] = c >= 0 && c < classes ? (int32_t)c : -1;
        if (of[i] >= 0) all[of[i]]++;
    }
    for (int64_t i = 0; i < count && !status; i++) {
        int32_t c = of[i];
        if (c < 0) continue;
        int64_t shown = all[c] < s->columns ? all[c] : s->columns, number = seen[c]++;
        int64_t place = (number * shown + all[c] - 1) / all[c];
        if (place < shown && place * all[c] / shown == number) s->samples[c * s->columns + place] = i;
    }
    fv_free(of);
    fv_free(all);
    fv_free(seen);
    return status;
}

static void fill_paper(const fv_tensor *picture) {
    int64_t pixels = picture->shape.dim[0] * picture->shape.dim[1];
    for (int64_t i = 0; i < pixels; i++) memcpy((unsigned char *)picture->data + 3 * i, paper, 3);
}

/* A picture into the middle of its square. */
static void place(const sheet *s, const fv_tensor *tile, int64_t y, int64_t x) {
    int64_t height = tile->shape.dim[0], width = tile->shape.dim[1];
    y += (s->side - height) / 2, x += (s->side - width) / 2;
    for (int64_t row = 0; row < height; row++)
        memcpy((unsigned char *)s->picture.data + ((y + row) * s->picture.shape.dim[1] + x) * 3,
               (unsigned char *)tile->data + row * width * 3, (size_t)width * 3);
}

static fv_status draw(sheet *s, fv_error *error) {
    int64_t step = s->side + GAP;
    fv_shape shape = {3, {2 * MARGIN + s->rows * step - GAP, 2 * MARGIN + s->left + s->columns * step - GAP, 3}};
    s->picture = fv_tensor_new(FV_U8, &shape);
    if (!s->picture.data) return fv_fail_memory(error, "a contact sheet", (size_t)fv_shape_count(&shape));
    fill_paper(&s->picture);
    char label[24];
    for (int64_t row = 0; row < s->rows; row++) {
        int64_t y = MARGIN + row * step;
        if (s->by_class)
            fv_draw_label(&s->picture, y + (s->side - FV_GLYPH_HEIGHT * LABEL) / 2, MARGIN, LABEL,
                          label_of(s->data, (int)row, label), ink);
        for (int64_t column = 0; column < s->columns; column++) {
            int64_t sample = s->samples[row * s->columns + column];
            fv_tensor tile;
            if (sample < 0) continue;
            fv_status status = fv_sample_tile(s->data, sample, s->side, &tile, error);
            if (status) return status;
            place(s, &tile, y, MARGIN + s->left + column * step);
            fv_free(tile.data);
        }
    }
    return FV_OK;
}

static fv_status make_sheet(fv_data *data, const char *path, const fv_sheet_options *options, fv_error *error) {
    sheet s = {.data = data, .most = options->most > 0 ? options->most : MOST};
    lay_out(&s, options->columns);
    s.samples = fv_alloc_array((size_t)(s.rows * s.columns), sizeof *s.samples);
    fv_status status = s.samples ? FV_OK : fv_fail_memory(error, "a contact sheet", (size_t)(s.rows * s.columns) * 8);
    if (!status && s.by_class)
        status = choose_by_class(&s, error);
    else if (!status)
        choose_in_order(&s);
    if (!status) status = draw(&s, error);
    if (!status) status = fv_png_write(path, &s.picture, error);
    fv_free(s.picture.data);
    fv_free(s.samples);
    return status;
}

enum { SIDE_BY_SIDE = 10 }; /* a sample, and what becomes of it in so many epochs less one */

static fv_status make_augmented(fv_data *data, const char *path, const fv_sheet_options *options, fv_error *error) {
    void *pixels;
    fv_sheet_options of = *options;
    if (!of.columns) of.columns = SIDE_BY_SIDE;
    if (of.most <= 0) of.most = SIDE_BY_SIDE * of.columns;
    int64_t rows = of.most / of.columns > 0 ? of.most / of.columns : 1;
    fv_data *set = fv_augmented_set(data, of.augment, rows, of.columns, of.seed, &pixels, error);
    fv_status status = set ? make_sheet(set, path, &of, error) : error ? error->status : FV_E_MEMORY;
    fv_data_free(set);
    fv_free(pixels);
    return status;
}

fv_status fv_data_sheet_with(fv_data *data, const char *path, fv_error *error, const fv_sheet_options *given) {
    fv_sheet_options options = {0};
    if (given) memcpy(&options, given, given->size < sizeof options ? given->size : sizeof options);
    if (!data || !path) return fv_fail(error, FV_E_ARGUMENT, "sheet: no %s was given", data ? "path" : "data");
    if (options.most < 0 || options.columns < 0 || options.columns > 1000)
        return fv_fail(error, FV_E_ARGUMENT, "sheet: expected 0 or more pictures in up to 1000 columns, got %lld in %d",
                       (long long)options.most, options.columns);
    if (fv_picture_field(data) < 0)
        return fv_fail(error, FV_E_SHAPE,
                       "sheet: the samples hold no picture (height x width, or with 1 or 3 channels)");
    return options.augment ? make_augmented(data, path, &options, error) : make_sheet(data, path, &options, error);
}
