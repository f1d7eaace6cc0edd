/* conv_weights.c - the gradient of convolution weights and biases: the columns x panel tile over bands of pixels.
 *
 * Every entry is a left fold over the slots of samples (kernels.h), each slot's sum made from zero in the order of its
 * pixels. Two schedules give the same bits: pieces of the gradient that each walk the slots in order (wide layers,
 * dense layers), or slots in parallel, each into a buffer of its own, added up in order afterwards (small gradients of
 * many pixels). Shape and n alone decide.
 *
 * What a piece reads of a band is brought together first: x with its border or, for 1x1 kernels whose pixels lie far
 * apart, the channels of each; dy as panels. Pixels that lie a power of two apart would share few lines of the caches: with 1024 channels 1x1
 * that costs a third.
 *
 * With products of bf16 a copy and a panel hold pairs of images (conv_weights_pairs.c).
 */
#include "conv_weights.h"

enum {
    BAND_PIXELS = 512,
    BAND_FLOATS = 160 * 1024, /* of x and dy: they stay in the second-level cache */
    BAND_LEAST = 96,          /* pixels, or sums are moved too often */
    PIECES = 8,
    PIECE_FLOATS = 80 * 1024, /* of the gradient: it stays in the second-level cache from band to band, */
    PIECE_ONCE = 256 * 1024,  /* which does not matter where one band holds all pixels, */
    PIECE_PIXELS = 96,        /* these or less */
    SLOT_BUFFER_FLOATS = 256 * 1024,
    SLOT_BUFFER_SAMPLES = 4, /* fewer samples than this make too few pieces */
    SLOT_BUFFER_PIXELS = 16,
    FAR_FLOATS = 1024 * 1024, /* of x and dy: they lie in no core's cache */
    ALIASING = 256            /* pixels so many floats apart share a quarter of the first-level cache */
};

typedef struct gradient_area {
    int64_t *x_row, *w_row;
    int64_t *x_at, *from; /* where each pixel of a band is read; where it is gathered from */
    float *copy, *dy, *bias;
} gradient_area;

static size_t aligned(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/* ---- how the work is cut -------------------------------------------------------------------------------------------
 */

static void cut_pieces(gradient *d, int64_t floats) {
    const conv_shape *s = d->shape;
    d->channels = s->from_each;
    d->panels = s->panels;
    if (d->by_slot) {
        d->blocks = d->parts = 1;
        return;
    }
    /* About as many channels as columns: x is read once for each part, dy for each block. */
    while (d->panels > 4 && d->panels * s->panel * d->panels * s->panel * d->job->taps > floats) d->panels--;
    d->panels = conv_ceil(s->panels, conv_ceil(s->panels, d->panels));
    d->channels = conv_max(1, conv_min(s->from_each, floats / (d->job->taps * d->panels * s->panel)));
    d->channels = conv_ceil(s->from_each, conv_ceil(s->from_each, d->channels));
    for (;;) {
        d->blocks = conv_ceil(s->from_each, d->channels);
        d->parts = conv_ceil(s->panels, d->panels);
        if (d->blocks * d->parts * s->groups >= PIECES) return;
        if (d->panels > 1)
            d->panels = (d->panels + 1) / 2;
        else if (d->channels > 2 * TILE_ROWS)
            d->channels = (d->channels + 1) / 2;
        else
            return;
    }
}

static int64_t band_pixels(const gradient *d) {
    return d->band.count[0] * d->band.count[1] * d->band.count[2] * d->job->axis[2].count;
}

static void cut_bands(gradient *d) {
    conv_shape piece = *d->shape;
    piece.from_c = d->channels;
    const int64_t floats = d->panels * d->shape->panel + piece.from_c;
    const int64_t pixels = conv_max(BAND_LEAST, conv_min(BAND_PIXELS, BAND_FLOATS / floats));
    int64_t slot = 0;
    for (int i = 0; i < FV_SLOTS; i++) slot = conv_max(slot, d->first[i + 1] - d->first[i]);
    d->band = conv_band_of(&piece, d->job, d->first[FV_SLOTS], pixels, 1);
    d->folded = !d->by_slot && conv_bands(&d->band) == d->band.bands[0] && d->band.count[0] >= slot;
    if (!d->folded) d->band = conv_band_of(&piece, d->job, slot, pixels, 1);
}

static gradient gradient_of(const fv_conv_geom *g, const conv_shape *s, const conv_job *job, int64_t n) {
    gradient d = {.geom = g, .shape = s, .job = job, .n = n};
    for (int i = 0; i < FV_SLOTS; i++) {
        const int64_t images = fv_slot(n, i + 1) - fv_slot(n, i);
        d.first[i + 1] = d.first[i] + (gradient_in_pairs(&d) ? pairs_of(images) : images);
    }
    d.rows = job->taps * s->from_each;
    d.columns = s->to_c * s->pixels;
    const int64_t pixels = g->out[0] * g->out[1] * g->out[2];
    d.by_slot = s->pixels > 1 ||
                (n >= SLOT_BUFFER_SAMPLES && pixels >= SLOT_BUFFER_PIXELS && d.rows * d.columns <= SLOT_BUFFER_FLOATS);
    cut_pieces(&d, n * pixels <= PIECE_PIXELS ? PIECE_ONCE : PIECE_FLOATS);
    cut_bands(&d);
    const conv_axis *x = &job->axis[2];
    d.together = x->dilation * conv_strides(s, job, &d.band, d.channels).pixel == d.channels ? x->taps : 1;
    const bool far = s->from_pixel % ALIASING == 0 || x->stride > 1;
    d.gathers = job->taps == 1 && !d.band.copies && far;
    d.few =
        d.folded && d.together * d.channels >= TILE_FOLDED_ROWS && conv_ceil(n, FV_SLOTS) * pixels <= TILE_FEW_PIXELS;
    d.panelled = gradient_in_pairs(&d) || (s->to_pixel % ALIASING == 0 && job->taps * d.channels > 16 * TILE_ROWS);
    return d;
}

/* May a slot take several bands? */
static bool many_bands(const gradient *d) { return !d->folded && conv_bands(&d->band) > 1; }

static size_t sum_bytes(const gradient *d) {
    if (d->by_slot) return aligned((size_t)(FV_SLOTS * (d->rows + 1) * d->columns) * sizeof(float));
    return many_bands(d) ? aligned((size_t)(d->rows * d->columns) * sizeof(float)) : 0;
}

static size_t bias_bytes(const gradient *d) { return gradient_in_pairs(d) ? conv_bias_bytes(d->geom) : 0; }

static size_t area_of(const gradient *d, char *memory, gradient_area *area) {
    const int64_t pixels = band_pixels(d), panelled = d->panels * gradient_panel_step(pixels);
    const int64_t copied = conv_band_floats(d->job, &d->band, d->channels);
    const size_t rows = aligned((size_t)(d->job->taps * d->channels) * sizeof(int64_t));
    const size_t at = aligned((size_t)(pixels + TILE_AHEAD) * sizeof(int64_t));
    const size_t copy = aligned((size_t)(d->gathers ? pixels * conv_row(d->channels) : copied) * sizeof(float));
    const size_t dy = aligned((size_t)(d->panelled ? panelled : 0) * sizeof(float));
    const size_t bias = aligned((size_t)d->columns * sizeof(float));
    if (area) {
        char *floats = memory + 2 * rows + 2 * at;
        *area = (gradient_area){
            (void *)memory, (void *)(memory + rows), (void *)(memory + 2 * rows), (void *)(memory + 2 * rows + at),
            (void *)floats, (void *)(floats + copy), (void *)(floats + copy + dy)};
    }
    return 2 * rows + 2 * at + copy + dy + bias;
}

/* ---- what a piece reads of a band ----------------------------------------------------------------------------------
 */

/* The piece's rows of dw: where each finds its x, from a pixel's address, and where it lies in dw. */
static void list_rows(const gradient *d, const gradient_piece *p, gradient_area *area) {
    const conv_shape *s = d->shape;
    const conv_view v = conv_strides(s, d->job, &d->band, p->channels);
    const conv_axis *a = d->job->axis;
    const int64_t width = s->pixels > 1 ? a[2].taps : d->geom->kernel[2]; /* pixels made together widen the kernel */
    int64_t r = 0;
    for (int64_t z = 0; z < a[0].taps; z++)
        for (int64_t y = 0; y < a[1].taps; y++)
            for (int64_t x = 0; x < a[2].taps; x++) {
                const int64_t from =
                    z * a[0].dilation * v.plane + y * a[1].dilation * v.row + x * a[2].dilation * v.pixel;
                int64_t tap =
                    (a[0].first_tap + z * a[0].tap_step) * d->geom->kernel[1] + a[1].first_tap + y * a[1].tap_step;
                tap = tap * width + a[2].first_tap + x * a[2].tap_step;
                for (int64_t c = 0; c < p->channels; c++, r++) {
                    area->x_row[r] = from + c;
                    area->w_row[r] = (tap * s->from_each + p->channel + c) * d->columns;
                }
            }
}

/* The pixels of a whole band of x in order; a smaller one has the first of them. */
static void list_pixels(const gradient *d, const gradient_piece *p, gradient_area *area) {
    const conv_view v = conv_strides(d->shape, d->job, &d->band, p->channels);
    const conv_axis *a = d->job->axis;
    const int64_t *count = d->band.count;
    int64_t *at = d->gathers ? area->from : area->x_at, m = 0;
    for (int64_t i = 0; i < count[0]; i++)
        for (int64_t z = 0; z < count[1]; z++)
            for (int64_t y = 0; y < count[2]; y++) {
                const int64_t row = i * v.image + z * a[0].stride * v.plane + y * a[1].stride * v.row;
                for (int64_t x = 0; x < a[2].count; x++) at[m++] = row + x * a[2].stride * v.pixel;
            }
    for (int64_t i = 0; i < TILE_AHEAD; i++) at[m + i] = at[m - 1];
    for (int64_t i = 0; i < m && d->gathers; i++) area->x_at[i] = i * conv_row(p->channels);
}

static void gather_pixels(const float *x, int64_t channels, int64_t pixels, gradient_area *area) {
    for (int64_t m = 0; m < pixels; m++) conv_copy(area->copy + area->x_at[m], x + area->from[m], channels);
}

/* dy[0..columns) of each pixel, cut into panels of whole vectors that lie one after the other. */
static void gather_panels(const gradient *d, const float *dy, int64_t columns, int64_t pixels, float *to) {
    const int64_t step = d->shape->to_pixel * d->shape->pixels, panel = d->shape->panel;
    for (int64_t m = 0; m < pixels; m++, dy += step)
        for (int64_t c = 0; c < columns; c += panel) {
            const int64_t count = conv_min(panel, columns - c), width = conv_vectors(count) * FV_LANES;
            float *row = to + c / panel * gradient_panel_step(pixels) + m * width;
            if (count == TILE_COLUMNS) {
                conv_copy(row, dy + c, TILE_COLUMNS);
                continue;
            }
            if (width > FV_LANES) vf_store(row, vf_load(dy + c));
            vf_store(row + width - FV_LANES, vf_load_part(dy + c + width - FV_LANES, conv_last_lanes(count)));
        }
}

/* ---- one band of one piece -----------------------------------------------------------------------------------------
 */

/* Where a band's sums come from and go to. */
typedef struct target {
    const float *from, *plus;
    float *to;
} target;

static target target_at(const target *w, int64_t at) {
    return (target){w->from ? w->from + at : NULL, w->plus ? w->plus + at : NULL, w->to + at};
}

/* What all tiles of a band have in common, and the slots that it holds. */
typedef struct band {
    tile_columns tiles;
    int slots;
    const int64_t *each;
} band;

static void aim(tile_columns *t, const target *w) {
    t->from = w->from;
    t->plus = w->plus;
    t->to = w->to;
}

/* Makes t the sums of slot s of a folded band: the tile's part of dw stays in the first-level cache. */
static void next_slot(tile_columns *t, int s, const int64_t *each) {
    if (s > 0) {
        t->x_at += t->pixels;
        t->dy += t->pixels * t->dy_step;
        t->plus = t->to;
    }
    t->pixels = each[s];
}

/* Tiles that end where rows no longer lie one after the other in x are smaller: are there many more of them? One vector
 * wide, a tile has no registers and loads to spare for its rows' addresses. */
static bool spreads(const gradient *d, const gradient_piece *p) {
    const int64_t run = d->together * p->channels, tiles = p->rows / run * tile_count(run);
    const int64_t fewest = tile_count(p->rows), bound = d->shape->columns <= FV_LANES ? 3 * fewest / 2 : 6 * fewest / 5;
    return tiles > bound;
}

/* Makes t the tile's sums over all slots of a band. */
static void run_tile(const gradient *d, const gradient_piece *p, const band *b, tile_columns *t, int64_t vectors,
                     int64_t height, const int64_t *x_row, const int64_t *w_row) {
    if (d->few) {
        t->from = t->plus; /* the total so far comes first */
        t->plus = NULL;
        t->slots = b->slots;
        t->each = b->each;
        tile_columns_folded[gradient_in_pairs(d)][vectors - 1][height - 1](t, x_row, w_row);
        return;
    }
    const tile_columns_fn(*tiles)[TILE_ROWS] =
        (spreads(d, p) ? tile_columns_spread : tile_columns_dense)[gradient_in_pairs(d)];
    const tile_columns_fn tile = tiles[vectors - 1][height - 1];
    for (int i = 0; i < b->slots; i++) {
        next_slot(t, i, b->each);
        tile(t, x_row, w_row);
    }
}

/* Part of what the next panel reads of dy in place: a few bytes of every pixel, which the processor does not foresee. */
FV_INLINE void fetch(const tile_columns *panel, int64_t begin, int64_t end) {
    const float *dy = panel->dy + TILE_COLUMNS;
    for (int64_t i = begin; i < end; i++)
        for (int64_t c = 0; c < TILE_COLUMNS; c += 16) __builtin_prefetch(dy + i * panel->dy_step + c, 0, 2);
}

/* All rows of one panel: its part of dy stays in the first-level cache if it fits. */
static void panel_tiles(const gradient *d, const gradient_piece *p, const gradient_area *area, const band *b,
                        const target *w, int64_t k) {
    const conv_shape *s = d->shape;
    const int64_t column = (p->panel + k) * s->panel, columns = conv_panel_columns(s, p->panel + k);
    const int64_t vectors = conv_vectors(columns);
    const target to = target_at(w, p->group * s->to_each + column);
    tile_columns panel = b->tiles;
    aim(&panel, &to);
    panel.last = conv_last_lanes(columns);
    panel.dy = d->panelled ? area->dy + k * gradient_panel_step(panel.pixels) : panel.dy + k * s->panel;
    if (d->panelled) panel.dy_step = vectors * FV_LANES;
    const int64_t run = !d->few && spreads(d, p) ? p->rows : d->together * p->channels;
    const bool fetches = !d->panelled && k + 1 < p->panels;
    for (int64_t first = 0; first < p->rows; first += run) {
        int64_t left = d->few ? tile_count_folded(run) : tile_count(run);
        for (int64_t r = first, height; r < first + run; r += height) {
            height = tile_height(first + run - r, &left);
            tile_columns t = panel;
            if (fetches) fetch(&panel, r * panel.pixels / p->rows, (r + height) * panel.pixels / p->rows);
            run_tile(d, p, b, &t, vectors, height, area->x_row + r, area->w_row + r);
        }
    }
}

static conv_view look(const gradient *d, const gradient_piece *p, const conv_place *place, float *copy) {
    const conv_shape *s = d->shape;
    const int64_t channel = p->group * s->from_each + p->channel;
    if (gradient_in_pairs(d)) {
        conv_view v = conv_strides(s, d->job, &d->band, p->channels);
        v.base = copy;
        gradient_copy_pairs(d, p, place, &v, copy);
        return v;
    }
    return conv_look(s, d->job, &d->band, place, d->x, channel, p->channels, copy);
}

/* Are x and dy read where they lie, far away? */
static bool is_far(const gradient *d) {
    const conv_shape *s = d->shape;
    const int64_t from = s->from[0] * s->from[1] * s->from[2] * s->from_pixel,
                  to = s->to[0] * s->to[1] * s->to[2] * s->to_pixel;
    return !d->band.copies && !d->gathers && d->n * (from + to) > FAR_FLOATS;
}

/* slots, each: of a folded band; else one. */
static void run_band(const gradient *d, const gradient_piece *p, gradient_area *area, const conv_place *place,
                     int slots, const int64_t *each, const target *w, const target *bias) {
    const conv_shape *s = d->shape;
    const int64_t column = p->panel * s->panel, columns = conv_min(p->panels * s->panel, s->columns - column);
    const conv_view view = look(d, p, place, area->copy);
    const int64_t pixels = place->count[0] * place->count[1] * place->count[2] * d->job->axis[2].count;
    if (d->gathers) gather_pixels(view.base, p->channels, pixels, area);
    const int64_t row = (place->first[0] * s->to[0] + place->first[1]) * s->to[1] + place->first[2];
    band b = {.tiles = {.x = d->gathers ? area->copy : view.base, .x_at = area->x_at, .pixels = pixels}};
    b.tiles.dy = d->dy + row * s->to[2] * s->to_pixel + p->group * s->to_each + column;
    b.tiles.dy_step = s->to_pixel * s->pixels;
    b.tiles.far = is_far(d);
    b.slots = slots;
    b.each = each ? each : &pixels;
    if (gradient_in_pairs(d))
        gradient_gather_pairs(d, place, column, columns, pixels, area->dy);
    else if (d->panelled)
        gather_panels(d, b.tiles.dy, columns, pixels, area->dy);
    for (int64_t k = 0; k < p->panels; k++) panel_tiles(d, p, area, &b, w, k);
    if (!d->dbias || p->channel > 0) return;
    const target to = target_at(bias, p->group * s->to_each + column);
    aim(&b.tiles, &to);
    for (int i = 0; i < b.slots; i++) {
        next_slot(&b.tiles, i, b.each);
        tile_pixel_sums(&b.tiles, columns);
    }
}

/* ---- slots ---------------------------------------------------------------------------------------------------------
 */

/* What band `b` of `bands` of a slot does with its sums. `total` is the gradient, `sums` the slot's. */
static target target_of(bool by_slot, bool any, int64_t b, int64_t bands, float *sums, float *total) {
    target t = {.from = b > 0 ? sums : NULL, .to = sums};
    if (!by_slot && b == bands - 1) {
        t.to = total;
        t.plus = any ? total : NULL;
    }
    return t;
}

/* One slot, band after band; `any` before it? */
static void run_slot(const gradient *d, const gradient_piece *p, gradient_area *area, int slot, bool any) {
    const int64_t first = d->first[slot], last = d->first[slot + 1];
    conv_band band = d->band;
    band.bands[0] = conv_ceil(last - first, band.count[0]);
    float *sums = d->by_slot ? d->sums + slot * (d->rows + 1) * d->columns : d->sums;
    float *bias_sums = d->by_slot ? sums + d->rows * d->columns : area->bias;
    for (int64_t b = 0; b < conv_bands(&band); b++) {
        const conv_place place = conv_place_of(d->job, &band, first, last, b);
        const target w = target_of(d->by_slot, any, b, conv_bands(&band), sums, d->dw);
        const target bias = target_of(d->by_slot, any, b, conv_bands(&band), bias_sums, d->dbias);
        run_band(d, p, area, &place, 1, NULL, &w, &bias);
    }
}

/* As many whole slots from `slot` on as a band takes; returns the one after them. */
static int run_slots(const gradient *d, const gradient_piece *p, gradient_area *area, int slot, bool any) {
    const conv_axis *a = d->job->axis;
    const int64_t first = d->first[slot], pixels = a[0].count * a[1].count * a[2].count;
    int64_t each[FV_SLOTS];
    int slots = 0;
    for (; slot < FV_SLOTS && d->first[slot + 1] - first <= d->band.count[0]; slot++)
        if (d->first[slot + 1] > d->first[slot]) each[slots++] = (d->first[slot + 1] - d->first[slot]) * pixels;
    const conv_place place = {.first = {first}, .count = {d->first[slot] - first, a[0].count, a[1].count}};
    if (slots == 0) return slot;
    const target w = {.plus = any ? d->dw : NULL, .to = d->dw};
    const target bias = {.plus = any ? d->dbias : NULL, .to = d->dbias};
    run_band(d, p, area, &place, slots, each, &w, &bias);
    return slot;
}

static void run_piece(void *context, int64_t piece, int thread) {
    const gradient *d = context;
    const conv_shape *s = d->shape;
    gradient_area area;
    area_of(d, d->areas + (size_t)thread * d->area, &area);
    gradient_piece p = {.channels = d->channels, .panels = d->panels};
    if (d->by_slot) {
        p.rows = d->rows;
        if (d->first[piece] == d->first[piece + 1]) return;
        for (p.group = 0; p.group < s->groups; p.group++) {
            list_rows(d, &p, &area);
            list_pixels(d, &p, &area);
            run_slot(d, &p, &area, (int)piece, false);
        }
        return;
    }
    p.channel = piece % d->blocks * d->channels;
    p.panel = piece / d->blocks % d->parts * d->panels;
    p.group = piece / d->blocks / d->parts;
    p.channels = conv_min(d->channels, s->from_each - p.channel);
    p.panels = conv_min(d->panels, s->panels - p.panel);
    p.rows = d->job->taps * p.channels;
    list_rows(d, &p, &area);
    list_pixels(d, &p, &area);
    for (int slot = 0; slot < FV_SLOTS;) {
        const bool any = d->first[slot] > 0;
        if (d->folded)
            slot = run_slots(d, &p, &area, slot, any);
        else if (d->first[slot + 1] > d->first[slot])
            run_slot(d, &p, &area, slot++, any);
        else
            slot++;
    }
}

/* ---- adding up the slots -------------------------------------------------------------------------------------------
 */

/* to[0..count) += or = from */
static void add_row(float *to, const float *from, int64_t count, bool add) {
    if (!add) {
        memcpy(to, from, (size_t)count * sizeof(float));
        return;
    }
    int64_t i = 0;
    for (; i + FV_LANES <= count; i += FV_LANES) vf_store(to + i, vf_load(to + i) + vf_load(from + i));
    for (; i < count; i++) to[i] += from[i];
}

/* Pixels made together: the slot's sum of a row is over each pixel's columns, `stride` taps apart. */
static void fold_pixels(const gradient *d, const float *sums, float *slot) {
    const conv_shape *s = d->shape;
    const fv_conv_geom *g = d->geom;
    const int64_t wide = d->job->axis[2].taps, stride = d->job->axis[2].stride / s->pixels, f = s->to_c;
    const int64_t kernel_rows = g->kernel[0] * g->kernel[1];
    for (int64_t k = 0; k < kernel_rows; k++)
        for (int64_t x = 0; x < g->kernel[2]; x++)
            for (int64_t c = 0; c < g->c; c++) {
                float *to = slot + ((k * g->kernel[2] + x) * g->c + c) * f;
                for (int64_t i = 0; i < s->pixels; i++)
                    add_row(to, sums + ((k * wide + x + i * stride) * g->c + c) * d->columns + i * f, f, i > 0);
            }
    for (int64_t i = 0; i < s->pixels; i++)
        add_row(slot + kernel_rows * g->kernel[2] * g->c * f, sums + d->rows * d->columns + i * f, f, i > 0);
}

enum { ADD_FLOATS = 4096 };

static int64_t weight_count(const gradient *d) {
    const fv_conv_geom *g = d->geom;
    return g->kernel[0] * g->kernel[1] * g->kernel[2] * (g->c / g->groups) * g->f;
}

/* A stretch of dw, through all slots in order. The first pixel's columns of a slot's sums hold the folded sum. */
static void add_slots(void *context, int64_t piece, int thread) {
    (void)thread;
    const gradient *d = context;
    const int64_t weights = weight_count(d), begin = piece * ADD_FLOATS;
    const int64_t stretch = conv_min(ADD_FLOATS, weights - begin);
    bool add = false;
    for (int slot = 0; slot < FV_SLOTS; slot++) {
        if (d->first[slot] == d->first[slot + 1]) continue;
        const float *sums = d->sums + slot * (d->rows + 1) * d->columns;
        add_row(d->dw + begin, sums + begin, stretch, add);
        if (d->dbias && piece == 0) add_row(d->dbias, sums + weights, d->geom->f, add);
        add = true;
    }
}

/* Folds a slot's sums in place: what is written lies before what is still to be read. */
static void fold_slot(void *context, int64_t slot, int thread) {
    (void)thread;
    const gradient *d = context;
    float *sums = d->sums + slot * (d->rows + 1) * d->columns;
    if (d->first[slot] != d->first[slot + 1]) fold_pixels(d, sums, sums);
}

/* ---- the kernels ---------------------------------------------------------------------------------------------------
 */

static conv_shape shape_of(const fv_conv_geom *g, conv_cells cells) {
    conv_shape s = conv_shape_of(g, false);
    s.cells = cells;
    return s;
}

static fv_status run(const fv_call *call, conv_cells cells) {
    const fv_conv_geom *g = &call->geom->conv;
    const conv_shape s = shape_of(g, cells);
    const conv_job job = conv_job_of(&s, g, 0);
    gradient d = gradient_of(g, &s, &job, call->n);
    d.dw = call->arg[0];
    d.dbias = gradient_in_pairs(&d) ? NULL : call->arg[1];
    d.x = call->arg[2];
    d.dy = call->arg[3];
    d.sums = call->scratch;
    if (gradient_in_pairs(&d) && call->arg[1])
        conv_bias(call, d.dy, (void *)((char *)call->scratch + sum_bytes(&d)), call->arg[1]);
    d.areas = (char *)call->scratch + sum_bytes(&d) + bias_bytes(&d);
    d.area = area_of(&d, NULL, NULL);
    const int64_t results = call->n * job.axis[0].count * job.axis[1].count * job.axis[2].count;
    fv_pool *pool = conv_pool(call->pool, results * d.rows * d.columns);
    if (!d.by_slot) {
        fv_pool_run(pool, d.blocks * d.parts * s.groups, run_piece, &d);
        return FV_OK;
    }
    fv_pool_run(pool, FV_SLOTS, run_piece, &d);
    pool = conv_pool(call->pool, FV_SLOTS * d.rows * d.columns);
    if (s.pixels > 1) fv_pool_run(pool, FV_SLOTS, fold_slot, &d);
    fv_pool_run(pool, conv_ceil(weight_count(&d), ADD_FLOATS), add_slots, &d);
    return FV_OK;
}

static size_t scratch_for(const fv_conv_geom *g, conv_cells cells, int64_t n, int threads) {
    const conv_shape s = shape_of(g, cells);
    const conv_job job = conv_job_of(&s, g, 0);
    const gradient d = gradient_of(g, &s, &job, n);
    return sum_bytes(&d) + bias_bytes(&d) + area_of(&d, NULL, NULL) * (size_t)threads;
}

/* Fewer samples than planned may take other schedules: each with as many as can take it. */
static void need_for(const fv_geom *geom, conv_cells cells, int threads, fv_need *need) {
    const fv_conv_geom *g = &geom->conv;
    const int64_t once = conv_max(1, PIECE_PIXELS / conv_max(1, g->out[0] * g->out[1] * g->out[2]));
    const int64_t samples[] = {geom->n, SLOT_BUFFER_SAMPLES - 1, once, conv_min(once, SLOT_BUFFER_SAMPLES - 1)};
    for (int i = 0; i < 4; i++) {
        const size_t bytes = scratch_for(g, cells, conv_min(geom->n, samples[i]), threads);
        if (bytes > need->scratch) need->scratch = bytes;
    }
}

static void numbers_need(const fv_geom *geom, int threads, fv_need *need) {
    need_for(geom, CONV_NUMBERS, threads, need);
}
static fv_status numbers_run(const fv_call *call) { return run(call, CONV_NUMBERS); }
const fv_kernel FV_SYMBOL(kernel_conv_weights) = {"conv_weights.columns", NULL, numbers_need, NULL, numbers_run};

#if FV_PAIRS
static bool pairs_can(const fv_geom *geom) {
    return geom->bf16 && pairs_are_fast() && geom->conv.groups == 1 && geom->conv.f >= FV_LANES;
}

static void pairs_need(const fv_geom *geom, int threads, fv_need *need) {
    need_for(geom, CONV_NUMBERS, threads, need);
    need_for(geom, CONV_IMAGE_PAIRS, threads, need);
}

/* With one image in a slot there are no pairs. */
static fv_status pairs_run(const fv_call *call) {
    return run(call, call->n < 2 * FV_SLOTS ? CONV_NUMBERS : CONV_IMAGE_PAIRS);
}
const fv_kernel FV_SYMBOL(kernel_conv_weights_bf16) = {"conv_weights.columns_bf16", pairs_can, pairs_need, NULL,
                                                       pairs_run};
#endif
