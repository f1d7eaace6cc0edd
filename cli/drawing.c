/* drawing.c - pictures as text: half blocks where the terminal can show them, else letters by their darkness. */
#include "drawing.h"

#include <stdlib.h>

#include "common.h"

static double element(const fv_tensor *t, int64_t i) {
    return t->dtype == FV_U8 ? ((const uint8_t *)t->data)[i] : ((const float *)t->data)[i];
}

/* Mean over a box of the picture, all channels. */
static double mean(const fv_tensor *t, int64_t channels, int64_t y0, int64_t y1, int64_t x0, int64_t x1) {
    double sum = 0;
    for (int64_t y = y0; y < y1; y++)
        for (int64_t x = x0; x < x1; x++)
            for (int64_t c = 0; c < channels; c++) sum += element(t, (y * t->shape.dim[1] + x) * channels + c);
    return sum / (double)((y1 - y0) * (x1 - x0) * channels);
}

/* The picture as rows x columns cells between 0 and 1; NULL when memory is short. */
static double *shrink(const fv_tensor *t, int64_t channels, int64_t rows, int64_t columns) {
    double *cells = malloc((size_t)(rows * columns) * sizeof *cells);
    double low = 1e300, high = -1e300;
    if (!cells) return NULL;
    for (int64_t y = 0; y < rows; y++)
        for (int64_t x = 0; x < columns; x++) {
            double v = mean(t, channels, y * t->shape.dim[0] / rows, (y + 1) * t->shape.dim[0] / rows,
                            x * t->shape.dim[1] / columns, (x + 1) * t->shape.dim[1] / columns);
            cells[y * columns + x] = v;
            if (v < low) low = v;
            if (v > high) high = v;
        }
    for (int64_t i = 0; i < rows * columns; i++) cells[i] = high > low ? (cells[i] - low) / (high - low) : 0;
    return cells;
}

static void draw_cell(FILE *out, double top, double bottom, bool unicode) {
    static const char letters[] = " .:-=+*#%@";
    if (!unicode)
        fputc(letters[(int)((top + bottom) / 2 * 9.999)], out);
    else if (top > 0.4)
        fputs(bottom > 0.4 ? "\u2588" : "\u2580", out);
    else
        fputs(bottom > 0.4 ? "\u2584" : " ", out);
}

void cli_draw(FILE *out, const fv_tensor *t, int columns) {
    int rank = t->shape.rank;
    if ((rank != 2 && rank != 3) || (t->dtype != FV_U8 && t->dtype != FV_F32) || fv_shape_count(&t->shape) < 1) return;
    int64_t channels = rank == 3 ? t->shape.dim[2] : 1, height = t->shape.dim[0], width = t->shape.dim[1];
    int64_t wide = width < columns ? width : columns, high = height * wide / width;
    if (high < 1) high = 1;
    if (high > 2 * columns) high = 2 * columns < height ? 2 * columns : height;
    double *cells = shrink(t, channels, high, wide);
    bool unicode = cli_unicode();
    for (int64_t y = 0; cells && y < high; y += 2) {
        fputs("  ", out);
        for (int64_t x = 0; x < wide; x++)
            draw_cell(out, cells[y * wide + x], y + 1 < high ? cells[(y + 1) * wide + x] : 0, unicode);
        fputc('\n', out);
    }
    free(cells);
}
