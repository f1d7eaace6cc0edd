/* norm.c - normalisation by mean and variance: by channel (batch norm) or by groups of channels of a sample (layer, group and
 * instance norm). Statistics are taken block by block while a block is in the cache, and joined (Chan, Golub and LeVeque
 * 1983): one reading of memory, and as accurate as two. */
#include "channels.h"
#include "vmath.h"

enum { BLOCK = 32768 }; /* floats that are summed before they are joined with the rest */

/* Sums of a block of channels, over rows; each is one number a channel. */
typedef struct moments {
    float count, mean[FV_PATTERN], squares[FV_PATTERN]; /* squares: of the distance from the mean */
} moments;

typedef struct job {
    const fv_call *call;
    const fv_norm_geom *g;
    channel_block k;
    int64_t rows, size;
    FV_ALIGNED float pattern[5][FV_PATTERN];
} job;

/* Elements from pixel to pixel. */
static int64_t x_pixel(const fv_norm_geom *g) { return fv_pixel(g->x_pixel, g->c); }
static int64_t y_pixel(const fv_norm_geom *g) { return fv_pixel(g->y_pixel, g->c); }
static int64_t dx_pixel(const fv_norm_geom *g) { return fv_pixel(g->dx_pixel, g->c); }

/* FV_EACH_OF_RUN(k, rows, dense, at, pixel, i, lanes, statements): for the vectors of a run of at most `rows` rows. They
 * are at `at` of the patterns and, where pixels do not lie one behind the other, at i of row `pixel`. So the same sums are
 * made in the same order wherever the numbers lie. */
#define FV_EACH_OF_RUN(k, rows, dense, at, pixel, i, lanes, ...)                                                       \
    do {                                                                                                               \
        const int64_t run_ = channel_run(k, rows), length_ = (dense) ? run_ : (k)->width;                              \
        for (int64_t begin_ = 0, pixel = 0; begin_ < run_; begin_ += length_, pixel++)                                 \
            FV_EACH_VECTOR(length_, i, lanes, {                                                                        \
                const int64_t at = begin_ + i;                                                                         \
                __VA_ARGS__                                                                                            \
            });                                                                                                        \
    } while (0)

/* normalised x times scale, plus bias: forward and where the ReLU behind it is asked for its slope, by the same sums. */
FV_INLINE vf affine(vf x, vf mean, vf factor, vf bias) { return (x - mean) * factor + bias; }

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static float inverse_deviation(const fv_norm_geom *g, float variance) {
    return 1.0f / sqrtf(variance + (float)g->epsilon);
}

static int64_t block_rows(const channel_block *k) {
    int64_t runs = BLOCK / (k->pixels * k->width);
    return (runs > 0 ? runs : 1) * k->pixels;
}

/* ---- sums ------------------------------------------------------------------------------------------------------- */

/* The sum over rows of x, or of (x - mean)^2 when a pattern of means is given. x is at the block's first channel, its
 * pixels are xs apart. */
static void sum_rows(const channel_block *k, const float *x, int64_t xs, int64_t rows, const float *mean, float *out) {
    FV_ALIGNED float sums[FV_PATTERN] = {0};
    const bool dense = xs == k->width;
    for (int64_t r = 0; r < rows; r += k->pixels, x += k->pixels * xs) {
        if (mean)
            FV_EACH_OF_RUN(k, rows - r, dense, at, p, i, lanes, {
                vf d = vf_load_lanes(x + p * xs + i, lanes) - vf_load(mean + at);
                vf_store_lanes(sums + at, vf_load_lanes(sums + at, lanes) + d * d, lanes);
            });
        else
            FV_EACH_OF_RUN(k, rows - r, dense, at, p, i, lanes,
                           vf_store_lanes(sums + at,
                                          vf_load_lanes(sums + at, lanes) + vf_load_lanes(x + p * xs + i, lanes),
                                          lanes););
    }
    channel_fold(k, sums, out);
}

/* Where a backward reads: gradients and inputs at the block's first channel of some row, and what is theirs for the
 * block's channels: patterns of means and, behind a ReLU, of factors and biases. */
typedef struct back_rows_of {
    const float *dy, *x;
    int64_t dys, xs; /* from pixel to pixel */
    const float *mean, *factor, *bias;
    bool relu;
} back_rows_of;

/* What a ReLU leaves of dy. */
FV_INLINE vf passed(bool relu, vf dy, vf x, const back_rows_of *b, int64_t at) {
    if (!relu) return dy;
    vf y = affine(x, vf_load(b->mean + at), vf_load(b->factor + at), vf_load(b->bias + at));
    dy = vf_opaque(dy); /* loaded at once: as part of a masked load it would wait for y */
    return vf_opaque((vf)((vi)dy & (y > vf_zero())));
}

/* The sums over rows of dy and of dy (x - mean), added to two numbers a channel. */
FV_INLINE void sum_gradient_rows(const channel_block *k, back_rows_of b, bool relu, bool dense, int64_t rows,
                                 float *plain, float *scaled) {
    FV_ALIGNED float sums[FV_PATTERN] = {0}, products[FV_PATTERN] = {0}, folded[FV_PATTERN];
    for (int64_t r = 0; r < rows; r += k->pixels, b.x += k->pixels * b.xs, b.dy += k->pixels * b.dys)
        FV_EACH_OF_RUN(k, rows - r, dense, at, p, i, lanes, {
            vf x = vf_load_lanes(b.x + p * b.xs + i, lanes);
            vf d = passed(relu, vf_load_lanes(b.dy + p * b.dys + i, lanes), x, &b, at);
            vf distance = x - vf_load(b.mean + at);
            vf_store_lanes(sums + at, vf_load_lanes(sums + at, lanes) + d, lanes);
            vf_store_lanes(products + at, vf_load_lanes(products + at, lanes) + d * distance, lanes);
        });
    channel_fold(k, sums, folded);
    for (int64_t j = 0; j < k->width; j++) plain[j] += folded[j];
    channel_fold(k, products, folded);
    for (int64_t j = 0; j < k->width; j++) scaled[j] += folded[j];
}

static void sum_gradients(const channel_block *k, const back_rows_of *b, int64_t first, int64_t rows, float *plain,
                          float *scaled) {
    back_rows_of here = *b;
    here.dy += first * b->dys, here.x += first * b->xs;
    const bool dense = b->dys == k->width && b->xs == k->width;
    if (b->relu)
        sum_gradient_rows(k, here, true, dense, rows, plain, scaled);
    else
        sum_gradient_rows(k, here, false, dense, rows, plain, scaled);
}

/* Joins the moments of one channel: count, mean and squared distances of two disjoint sets. */
static void join(float count, float *mean, float *squares, float more, float more_mean, float more_squares) {
    float all = count + more, delta = more_mean - *mean;
    *mean += delta * (more / all);
    *squares += more_squares + delta * delta * (count * (more / all));
}

/* ---- statistics ------------------------------------------------------------------------------------------------- */

/* Moments of rows, a block of BLOCK floats after the other. */
static void moments_of(const channel_block *k, const float *x, int64_t xs, int64_t rows, moments *m) {
    FV_ALIGNED float mean[FV_PATTERN], squares[FV_PATTERN], pattern[FV_PATTERN];
    channel_block own = *k; /* mean[] holds the block's channels only */
    own.c0 = 0;
    m->count = 0;
    memset(m->mean, 0, sizeof m->mean);
    memset(m->squares, 0, sizeof m->squares);
    for (int64_t r = 0, now; r < rows; r += now) {
        now = least(block_rows(k), rows - r);
        sum_rows(k, x + r * xs, xs, now, NULL, mean);
        for (int64_t j = 0; j < k->width; j++) mean[j] /= (float)now;
        channel_pattern(&own, mean, 0, pattern);
        sum_rows(k, x + r * xs, xs, now, pattern, squares);
        for (int64_t j = 0; j < k->width; j++)
            join(m->count, &m->mean[j], &m->squares[j], (float)now, mean[j], squares[j]);
        m->count += (float)now;
    }
}

/* One slot of samples, one block of channels; scratch: [slot][mean, squares][c]. */
static void slot_moments(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    int slot = (int)(piece % FV_SLOTS);
    channel_block k = channel_block_at(j->g->c, piece / FV_SLOTS);
    int64_t first = fv_slot(j->call->n, slot) * j->g->pixels, last = fv_slot(j->call->n, slot + 1) * j->g->pixels;
    float *out = (float *)j->call->scratch + slot * 2 * j->g->c + k.c0;
    moments m;
    moments_of(&k, (const float *)j->call->arg[2] + first * x_pixel(j->g) + k.c0, x_pixel(j->g), last - first, &m);
    memcpy(out, m.mean, (size_t)k.width * sizeof *out);
    memcpy(out + j->g->c, m.squares, (size_t)k.width * sizeof *out);
}

static void stats_by_channel(job *j) {
    int64_t c = j->g->c, n = j->call->n, pixels = j->g->pixels;
    float *mean = j->call->arg[0], *var = j->call->arg[1];
    const float *part = j->call->scratch;
    fv_pool_run(n * pixels * c < 2 * FV_PIECE ? NULL : j->call->pool, FV_SLOTS * channel_blocks(c), slot_moments, j);
    memset(mean, 0, (size_t)c * sizeof *mean);
    memset(var, 0, (size_t)c * sizeof *var);
    for (int s = 0; s < FV_SLOTS; s++, part += 2 * c) {
        float before = (float)(fv_slot(n, s) * pixels), count = (float)(fv_slot(n, s + 1) * pixels) - before;
        for (int64_t k = 0; count > 0 && k < c; k++) join(before, &mean[k], &var[k], count, part[k], part[c + k]);
    }
    for (int64_t k = 0; k < c; k++) var[k] /= (float)(n * pixels);
}

/* One sample by groups: moments of its channels, joined group by group. */
static void group_moments(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_norm_geom *g = j->g;
    int64_t each = g->c / g->groups;
    float *mean = (float *)j->call->arg[0] + piece * g->groups, *var = (float *)j->call->arg[1] + piece * g->groups;
    float pixels = (float)g->pixels;
    memset(mean, 0, (size_t)g->groups * sizeof *mean);
    memset(var, 0, (size_t)g->groups * sizeof *var);
    for (int64_t b = 0; b < channel_blocks(g->c); b++) {
        channel_block k = channel_block_at(g->c, b);
        moments m;
        moments_of(&k, (const float *)j->call->arg[2] + piece * g->pixels * x_pixel(g) + k.c0, x_pixel(g), g->pixels,
                   &m);
        for (int64_t i = 0; i < k.width; i++) {
            int64_t c = k.c0 + i, group = c / each;
            join((float)(c % each) * pixels, &mean[group], &var[group], pixels, m.mean[i], m.squares[i]);
        }
    }
    for (int64_t i = 0; i < g->groups; i++) var[i] /= pixels * (float)each;
}

static fv_status run_norm_stats(const fv_call *call) {
    job j = {.call = call, .g = &call->geom->norm};
    int64_t small = call->n * j.g->pixels * j.g->c < 2 * FV_PIECE;
    if (j.g->groups == 0)
        stats_by_channel(&j);
    else
        fv_pool_run(small ? NULL : call->pool, call->n, group_moments, &j);
    return FV_OK;
}

static void need_slots(const fv_geom *geom, int threads, fv_need *need) {
    (void)threads;
    need->scratch = geom->norm.groups == 0 ? (size_t)geom->norm.c * 2 * FV_SLOTS * sizeof(float) : 0;
}

/* ---- the statistics of each channel of a sample ----------------------------------------------------------------- */

/* Channel c of sample i: mean and 1/deviation. */
static int64_t statistic(const fv_norm_geom *g, int64_t i, int64_t c) {
    return g->groups == 0 ? c : i * g->groups + c / (g->c / g->groups);
}

static void mean_pattern(const fv_norm_geom *g, const channel_block *k, const float *mean, int64_t sample,
                         float *pattern) {
    FV_ALIGNED float own[FV_PATTERN];
    channel_block here = *k;
    here.c0 = 0;
    for (int64_t i = 0; i < k->width; i++) own[i] = mean[statistic(g, sample, k->c0 + i)];
    channel_pattern(&here, own, 0, pattern);
}

/* inverse deviation * scale */
static void factor_pattern(const fv_norm_geom *g, const channel_block *k, const float *var, const float *scale,
                           int64_t sample, float *pattern) {
    FV_ALIGNED float own[FV_PATTERN];
    channel_block here = *k;
    here.c0 = 0;
    for (int64_t i = 0; i < k->width; i++)
        own[i] = inverse_deviation(g, var[statistic(g, sample, k->c0 + i)]) * (scale ? scale[k->c0 + i] : 1.0f);
    channel_pattern(&here, own, 0, pattern);
}

/* Calls `piece` over pieces of rows of every block: by channel over all rows, by groups over each sample's (then j.rows is the
 * samples and the piece makes its own patterns). */
static int64_t cut_rows(job *j) {
    bool samples = j->g->groups > 0;
    j->rows = samples ? j->call->n : j->call->n * j->g->pixels;
    return fv_cut(j->rows, (samples ? j->g->pixels : 1) * j->k.width, &j->size);
}

/* ---- forward ---------------------------------------------------------------------------------------------------- */

FV_INLINE void normalise_rows(const job *j, bool add, bool dense, const float pattern[][FV_PATTERN], int64_t row,
                              int64_t rows) {
    const channel_block *k = &j->k;
    const fv_epilogue *e = &j->g->epilogue;
    const int64_t xs = x_pixel(j->g), ys = y_pixel(j->g);
    const float *x = (const float *)j->call->arg[1] + row * xs + k->c0, *more = j->call->arg[6];
    float *y = (float *)j->call->arg[0] + row * ys + k->c0;
    if (add) more += row * ys + k->c0;
    const vf floor = vf_all(e->act == FV_U_RELU ? 0.0f : -INFINITY);
    for (int64_t r = 0; r < rows; r += k->pixels, x += k->pixels * xs, y += k->pixels * ys) {
        FV_EACH_OF_RUN(k, rows - r, dense, at, p, i, lanes, {
            vf v = affine(vf_load_lanes(x + p * xs + i, lanes), vf_load(pattern[0] + at), vf_load(pattern[1] + at),
                          vf_load(pattern[2] + at));
            if (add) v += vf_load_lanes(more + p * ys + i, lanes);
            vf_store_lanes(y + p * ys + i, vf_max(floor, v), lanes);
        });
        if (add) more += k->pixels * ys;
        if (e->act == FV_U_COPY || e->act == FV_U_RELU) continue;
        unary_in_place(e, y, channel_run(k, rows - r) / k->width, k->width, ys);
    }
}

static void normalise(const job *j, const float pattern[][FV_PATTERN], int64_t row, int64_t rows) {
    const bool dense = x_pixel(j->g) == j->k.width && y_pixel(j->g) == j->k.width;
    if (j->g->add)
        normalise_rows(j, true, dense, pattern, row, rows);
    else
        normalise_rows(j, false, dense, pattern, row, rows);
}

static void forward_patterns(const job *j, int64_t sample, float pattern[][FV_PATTERN]) {
    void *const *arg = j->call->arg;
    mean_pattern(j->g, &j->k, arg[2], sample, pattern[0]);
    factor_pattern(j->g, &j->k, arg[3], arg[4], sample, pattern[1]);
    channel_pattern(&j->k, arg[5], 0, pattern[2]);
}

static void norm_piece(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    int64_t first = piece * j->size, last = least(first + j->size, j->rows);
    if (j->g->groups == 0) {
        normalise(j, j->pattern, first, last - first);
        return;
    }
    FV_ALIGNED float pattern[3][FV_PATTERN];
    for (int64_t s = first; s < last; s++) {
        forward_patterns(j, s, pattern);
        normalise(j, (const float(*)[FV_PATTERN])pattern, s * j->g->pixels, j->g->pixels);
    }
}

static fv_status run_norm(const fv_call *call) {
    job j;
    j.call = call, j.g = &call->geom->norm;
    for (int64_t b = 0; b < channel_blocks(j.g->c); b++) {
        j.k = channel_block_at(j.g->c, b);
        if (j.g->groups == 0) forward_patterns(&j, 0, j.pattern);
        int64_t pieces = cut_rows(&j);
        fv_pool_run(call->pool, pieces, norm_piece, &j);
    }
    return FV_OK;
}

/* ---- backward --------------------------------------------------------------------------------------------------- */

/* The call's gradients and inputs from pixel `first` on; arguments dy and x are number `dy` and the next one. */
static back_rows_of back_from(const job *j, const channel_block *k, int dy, int64_t first,
                              const float pattern[][FV_PATTERN]) {
    const fv_norm_geom *g = j->g;
    return (back_rows_of){.dy = (const float *)j->call->arg[dy] + first * y_pixel(g) + k->c0,
                          .x = (const float *)j->call->arg[dy + 1] + first * x_pixel(g) + k->c0,
                          .dys = y_pixel(g),
                          .xs = x_pixel(g),
                          .mean = pattern[0],
                          .factor = pattern[1],
                          .bias = pattern[2],
                          .relu = g->relu};
}

/* Rows of one sample or slot: the sums of dy and of dy (x - mean), in blocks. */
static void gradient_sums(const channel_block *k, const back_rows_of *b, int64_t rows, float *plain, float *scaled) {
    memset(plain, 0, (size_t)k->width * sizeof *plain);
    memset(scaled, 0, (size_t)k->width * sizeof *scaled);
    for (int64_t r = 0; r < rows; r += block_rows(k))
        sum_gradients(k, b, r, least(block_rows(k), rows - r), plain, scaled);
}

/* Means and, behind a ReLU, factors and biases of a sample's channels. */
static void sum_patterns(const fv_norm_geom *g, const channel_block *k, const float *mean, const float *var,
                         const float *scale, const float *bias, int64_t sample, float pattern[][FV_PATTERN]) {
    mean_pattern(g, k, mean, sample, pattern[0]);
    if (!g->relu) return;
    factor_pattern(g, k, var, scale, sample, pattern[1]);
    channel_pattern(k, bias, 0, pattern[2]);
}

/* One slot, one block of channels; scratch: [slot][dscale, dbias][c]. */
static void slot_gradients(void *context, int64_t piece, int thread) {
    (void)thread;
    const job *j = context;
    const fv_norm_geom *g = j->g;
    const float *mean = j->call->arg[4], *var = j->call->arg[5];
    int slot = (int)(piece % FV_SLOTS);
    channel_block k = channel_block_at(g->c, piece / FV_SLOTS);
    int64_t first = fv_slot(j->call->n, slot), last = fv_slot(j->call->n, slot + 1);
    int64_t step = g->groups == 0 && last > first ? last - first : 1; /* samples with the same statistics */
    float *dscale = (float *)j->call->scratch + slot * 2 * g->c + k.c0, *dbias = dscale + g->c;
    FV_ALIGNED float plain[FV_PATTERN], scaled[FV_PATTERN], pattern[3][FV_PATTERN];
    memset(dscale, 0, (size_t)k.width * sizeof *dscale);
    memset(dbias, 0, (size_t)k.width * sizeof *dbias);
    for (int64_t s = first; s < last; s += step) {
        sum_patterns(g, &k, mean, var, j->call->arg[6], j->call->arg[7], s, pattern);
        back_rows_of b = back_from(j, &k, 2, s * g->pixels, (const float(*)[FV_PATTERN])pattern);
        gradient_sums(&k, &b, step * g->pixels, plain, scaled);
        for (int64_t i = 0; i < k.width; i++) {
            dbias[i] += plain[i];
            dscale[i] += scaled[i] * inverse_deviation(g, var[statistic(g, s, k.c0 + i)]);
        }
    }
}

static fv_status run_norm_sums(const fv_call *call) {
    job j = {.call = call, .g = &call->geom->norm};
    int64_t c = j.g->c, small = call->n * j.g->pixels * c < 2 * FV_PIECE;
    float *dscale = call->arg[0], *dbias = call->arg[1];
    const float *part = call->scratch;
    fv_pool_run(small ? NULL : call->pool, FV_SLOTS * channel_blocks(c), slot_gradients, &j);
    memcpy(dscale, part, (size_t)c * sizeof *dscale);
    memcpy(dbias, part + c, (size_t)c * sizeof *dbias);
    for (int s = 1; s < FV_SLOTS; s++) {
        part += 2 * c;
        for (int64_t k = 0; k < c; k++) dscale[k] += part[k], dbias[k] += part[c + k];
    }
    return FV_OK;
}

static void need_gradients(const fv_geom *geom, int threads, fv_need *need) {
    (void)threads;
    need->scratch = (size_t)geom->norm.c * 2 * FV_SLOTS * sizeof(float);
}

/* Patterns of the backward, which begin as those of the sums do. */
enum { MEAN, FACTOR, BIAS, SLOPE, OFFSET };

/* dx = factor dy + (x - mean) slope + offset; frozen statistics: factor dy. */
FV_INLINE void gradient_rows(const job *j, back_rows_of b, bool relu, bool frozen, bool dense,
                             const float pattern[][FV_PATTERN], float *dx, int64_t rows) {
    const channel_block *k = &j->k;
    const int64_t dxs = dx_pixel(j->g);
    for (int64_t r = 0; r < rows; r += k->pixels, dx += k->pixels * dxs) {
        FV_EACH_OF_RUN(k, rows - r, dense, at, p, i, lanes, {
            vf x = vf_zero();
            if (relu || !frozen) x = vf_load_lanes(b.x + p * b.xs + i, lanes);
            vf d = passed(relu, vf_load_lanes(b.dy + p * b.dys + i, lanes), x, &b, at) * vf_load(pattern[FACTOR] + at);
            if (!frozen)
                d += (x - vf_load(pattern[MEAN] + at)) * vf_load(pattern[SLOPE] + at) + vf_load(pattern[OFFSET] + at);
            vf_store_lanes(dx + p * dxs + i, d, lanes);
        });
        b.x += k->pixels * b.xs, b.dy += k->pixels * b.dys;
    }
}

static void back_rows(const job *j, const float pattern[][FV_PATTERN], int64_t row, int64_t rows) {
    const fv_norm_geom *g = j->g;
    const int64_t width = j->k.width;
    float *dx = (float *)j->call->arg[0] + row * dx_pixel(g) + j->k.c0;
    back_rows_of b = back_from(j, &j->k, 1, row, pattern);
    const bool dense = b.xs == width && b.dys == width && dx_pixel(g) == width;
    if (g->relu && g->frozen)
        gradient_rows(j, b, true, true, dense, pattern, dx, rows);
    else if (g->relu)
        gradient_rows(j, b, true, false, dense, pattern, dx, rows);
    else if (g->frozen)
        gradient_rows(j, b, false, true, dense, pattern, dx, rows);
    else
        gradient_rows(j, b, false, false, dense, pattern, dx, rows);
}

/* By channel: dscale and dbias are the sums of dy times the normalised x, and of dy. */
static void back_patterns(job *j) {
    void *const *arg = j->call->arg;
    const float *var = arg[4], *scale = arg[5], *dscale = arg[6], *dbias = arg[7];
    channel_block here = j->k;
    here.c0 = 0;
    FV_ALIGNED float slope[FV_PATTERN], offset[FV_PATTERN], count = (float)(j->call->n * j->g->pixels);
    mean_pattern(j->g, &j->k, arg[3], 0, j->pattern[MEAN]);
    factor_pattern(j->g, &j->k, var, scale, 0, j->pattern[FACTOR]);
    channel_pattern(&j->k, arg[8], 0, j->pattern[BIAS]);
    for (int64_t i = 0; i < j->k.width && !j->g->frozen; i++) {
        int64_t c = j->k.c0 + i;
        float inverse = inverse_deviation(j->g, var[c]), factor = inverse * (scale ? scale[c] : 1.0f);
        slope[i] = -factor * inverse * (dscale[c] / count);
        offset[i] = -factor * (dbias[c] / count);
    }
    if (j->g->frozen) return;
    channel_pattern(&here, slope, 0, j->pattern[SLOPE]);
    channel_pattern(&here, offset, 0, j->pattern[OFFSET]);
}

/* By groups: over one sample, the sums of g = dy scale and of g (x - mean), for each group; in the thread's scratch. */
static void group_sums(const job *j, int64_t sample, float *sums) {
    const fv_norm_geom *g = j->g;
    const float *scale = j->call->arg[5];
    FV_ALIGNED float plain[FV_PATTERN], scaled[FV_PATTERN], pattern[3][FV_PATTERN];
    memset(sums, 0, (size_t)g->groups * 2 * sizeof *sums);
    for (int64_t b = 0; b < channel_blocks(g->c); b++) {
        channel_block k = channel_block_at(g->c, b);
        sum_patterns(g, &k, j->call->arg[3], j->call->arg[4], scale, j->call->arg[8], sample, pattern);
        back_rows_of from = back_from(j, &k, 1, sample * g->pixels, (const float(*)[FV_PATTERN])pattern);
        gradient_sums(&k, &from, g->pixels, plain, scaled);
        for (int64_t i = 0; i < k.width; i++) {
            int64_t c = k.c0 + i, group = c / (g->c / g->groups);
            float factor = scale ? scale[c] : 1.0f;
            sums[2 * group] += plain[i] * factor;
            sums[2 * group + 1] += scaled[i] * factor;
        }
    }
}

static void group_back_patterns(const job *j, int64_t sample, const float *sums, float pattern[][FV_PATTERN]) {
    const fv_norm_geom *g = j->g;
    const float *var = j->call->arg[4];
    channel_block here = j->k;
    here.c0 = 0;
    FV_ALIGNED float slope[FV_PATTERN], offset[FV_PATTERN], count = (float)(g->pixels * (g->c / g->groups));
    mean_pattern(g, &j->k, j->call->arg[3], sample, pattern[MEAN]);
    factor_pattern(g, &j->k, var, j->call->arg[5], sample, pattern[FACTOR]);
    channel_pattern(&j->k, j->call->arg[8], 0, pattern[BIAS]);
    for (int64_t i = 0; i < j->k.width; i++) {
        int64_t group = (j->k.c0 + i) / (g->c / g->groups);
        float inverse = inverse_deviation(g, var[sample * g->groups + group]);
        slope[i] = -inverse * inverse * inverse * (sums[2 * group + 1] / count);
        offset[i] = -inverse * (sums[2 * group] / count);
    }
    channel_pattern(&here, slope, 0, pattern[SLOPE]);
    channel_pattern(&here, offset, 0, pattern[OFFSET]);
}

static void back_piece(void *context, int64_t piece, int thread) {
    const job *shared = context;
    const fv_norm_geom *g = shared->g;
    int64_t first = piece * shared->size, last = least(first + shared->size, shared->rows);
    if (g->groups == 0) {
        back_rows(shared, shared->pattern, first, last - first);
        return;
    }
    job j = {.call = shared->call, .g = g};
    float *sums = (float *)j.call->scratch + thread * 2 * g->groups;
    for (int64_t s = first; s < last; s++) {
        group_sums(&j, s, sums);
        for (int64_t b = 0; b < channel_blocks(g->c); b++) {
            j.k = channel_block_at(g->c, b);
            group_back_patterns(&j, s, sums, j.pattern);
            back_rows(&j, (const float(*)[FV_PATTERN])j.pattern, s * g->pixels, g->pixels);
        }
    }
}

static fv_status run_norm_back(const fv_call *call) {
    job j;
    j.call = call, j.g = &call->geom->norm;
    for (int64_t b = 0; b < channel_blocks(j.g->c); b++) {
        j.k = channel_block_at(j.g->c, b);
        if (j.g->groups == 0) back_patterns(&j);
        int64_t pieces = cut_rows(&j);
        fv_pool_run(call->pool, pieces, back_piece, &j);
        if (j.g->groups > 0) break; /* the pieces were whole samples */
    }
    return FV_OK;
}

static void need_groups(const fv_geom *geom, int threads, fv_need *need) {
    need->scratch = (size_t)geom->norm.groups * 2 * sizeof(float) * (size_t)threads;
}

const fv_kernel FV_SYMBOL(kernel_norm_stats) = {.name = "norm_stats.blocks", .need = need_slots, .run = run_norm_stats};
const fv_kernel FV_SYMBOL(kernel_norm) = {.name = "norm.runs", .run = run_norm};
const fv_kernel FV_SYMBOL(kernel_norm_sums) = {
    .name = "norm_sums.blocks", .need = need_gradients, .run = run_norm_sums};
const fv_kernel FV_SYMBOL(kernel_norm_back) = {.name = "norm_back.runs", .need = need_groups, .run = run_norm_back};
