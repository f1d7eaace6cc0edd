/* chart.c - curves over epochs as SVG. Classes: chart, grid, axis (texts), name (of a curve), line, dot, mark, title, and
 * the kinds of the curves. */
#include "chart.h"

#include <math.h>
#include <stdio.h>

#include "html.h"

enum { WIDTH = 520, HEIGHT = 260, LEFT = 58, RIGHT = 16, TOP = 38, BOTTOM = 34, MANY = 40 };

/* From numbers to places. */
typedef struct frame {
    const fv_chart *chart;
    double least, most; /* of the axis; logarithms where it is logarithmic */
    bool logarithmic;
} frame;

static double x_of(const frame *f, int epoch) {
    int last = f->chart->epochs - 1;
    return LEFT + (WIDTH - LEFT - RIGHT) * (last ? (double)epoch / last : 0.5);
}

static double y_of(const frame *f, double value) {
    double at = f->logarithmic ? log10(value) : value;
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (at - f->least) / (f->most - f->least);
}

/* The largest of 1, 2, 5, 10, ... with about `ticks` of it in `range`. */
static double nice_step(double range, int ticks) {
    double raw = range / ticks, power = pow(10, floor(log10(raw))), part = raw / power;
    return power * (part < 1.5 ? 1 : part < 3 ? 2 : part < 7 ? 5 : 10);
}

static void find_range(const fv_chart *chart, double *least, double *most) {
    *least = INFINITY, *most = -INFINITY;
    for (int c = 0; c < chart->count; c++)
        for (int e = 0; e < chart->epochs; e++) {
            double v = chart->curve[c].values[e];
            if (!isfinite(v)) continue;
            if (v < *least) *least = v;
            if (v > *most) *most = v;
        }
}

static frame frame_of(const fv_chart *chart) {
    frame f = {.chart = chart};
    find_range(chart, &f.least, &f.most);
    if (!(f.least <= f.most)) f.least = 0, f.most = 1;
    f.logarithmic = !chart->percent && !chart->linear && f.least > 0 && f.most / f.least > 30;
    if (f.logarithmic) f.least = log10(f.least), f.most = log10(f.most);
    double range = f.most - f.least;
    if (!(range > 1e-12 * fabs(f.most))) range = f.most != 0 ? fabs(f.most) / 10 : 1;
    bool from_zero = !f.logarithmic && f.least >= 0 && f.least < range / 2;
    f.least = from_zero ? 0 : f.least - 0.06 * range;
    f.most += 0.06 * range;
    if (chart->percent && f.most > 1 && f.most <= 1.07) f.most = 1;
    return f;
}

/* ---- axes ------------------------------------------------------------------------------------------------------- */

static void add_level(fv_text *out, const frame *f, double value) {
    double y = y_of(f, value);
    fv_text_printf(out, "<line class='grid' x1='%d' x2='%d' y1='%.1f' y2='%.1f'/>", LEFT, WIDTH - RIGHT, y, y);
    fv_text_printf(out, "<text class='axis' x='%d' y='%.1f' text-anchor='end'>%.4g%s</text>", LEFT - 8, y + 4,
                   f->chart->percent ? 100 * value : value, f->chart->percent ? "%" : "");
}

static void add_levels(fv_text *out, const frame *f) {
    if (f->logarithmic) {
        double span = f->most - f->least;
        static const int parts[] = {1, 2, 5};
        int step = (int)ceil(span / 8);
        for (int power = (int)floor(f->least); power <= (int)ceil(f->most); power += step)
            for (int i = 0; i < (span < 2.2 ? 3 : 1); i++) {
                double value = parts[i] * pow(10, power), at = log10(value);
                if (at >= f->least && at <= f->most) add_level(out, f, value);
            }
        return;
    }
    double step = nice_step(f->most - f->least, 5);
    for (double k = ceil(f->least / step - 1e-9); k * step <= f->most + 1e-9 * step; k++)
        add_level(out, f, fabs(k) < 0.5 ? 0 : k * step);
}

static void add_epochs(fv_text *out, const frame *f) {
    int epochs = f->chart->epochs, step = epochs > 10 ? (int)nice_step(epochs, 8) : 1;
    for (int e = 1; e <= epochs; e += e == 1 && step > 1 ? step - 1 : step)
        fv_text_printf(out, "<text class='axis' x='%.1f' y='%d' text-anchor='middle'>%d</text>", x_of(f, e - 1),
                       HEIGHT - BOTTOM + 18, e);
    if (epochs > 1)
        fv_text_printf(out, "<text class='axis' x='%d' y='%d' text-anchor='end'>epoch</text>", LEFT - 8,
                       HEIGHT - BOTTOM + 18);
}

/* ---- curves ----------------------------------------------------------------------------------------------------- */

static void add_mark(fv_text *out, const frame *f) {
    int marked = f->chart->marked;
    if (marked < 0 || marked >= f->chart->epochs) return;
    double x = x_of(f, marked), highest = HEIGHT;
    for (int c = 0; c < f->chart->count; c++) {
        double v = f->chart->curve[c].values[marked];
        if (isfinite(v) && y_of(f, v) < highest) highest = y_of(f, v);
    }
    bool left = x > WIDTH - 110, below = highest < (TOP + HEIGHT - BOTTOM) / 2; /* where the curves are not */
    fv_text_printf(out, "<line class='mark' x1='%.1f' x2='%.1f' y1='%d' y2='%d'/>", x, x, TOP, HEIGHT - BOTTOM);
    fv_text_printf(out, "<text class='axis' x='%.1f' y='%d' text-anchor='%s'>best: epoch %d</text>",
                   left ? x - 6 : x + 6, below ? HEIGHT - BOTTOM - 8 : TOP + 10, left ? "end" : "start", marked + 1);
}

static void add_line(fv_text *out, const frame *f, const fv_curve *curve) {
    bool pen_up = true;
    fv_text_printf(out, "<path class='line %s' d='", curve->kind);
    for (int e = 0; e < f->chart->epochs; e++) {
        double v = curve->values[e];
        if (!isfinite(v)) {
            pen_up = true;
            continue;
        }
        fv_text_printf(out, "%c%.1f %.1f", pen_up ? 'M' : 'L', x_of(f, e), y_of(f, v));
        pen_up = false;
    }
    fv_text_add(out, "'/>");
}

/* Dots tell their numbers to the mouse. */
static void add_dots(fv_text *out, const frame *f, const fv_curve *curve) {
    double radius = f->chart->epochs > MANY ? 1.5 : 3;
    for (int e = 0; e < f->chart->epochs; e++) {
        double v = curve->values[e];
        if (!isfinite(v)) continue;
        fv_text_printf(out, "<circle class='dot %s' cx='%.1f' cy='%.1f' r='%.1f'><title>", curve->kind, x_of(f, e),
                       y_of(f, v), radius);
        fv_html_text(out, curve->name);
        fv_text_printf(out, ", epoch %d: %.5g%s</title></circle>", e + 1, f->chart->percent ? 100 * v : v,
                       f->chart->percent ? "%" : "");
    }
}

static void add_names(fv_text *out, const fv_chart *chart) {
    int x = WIDTH - RIGHT;
    for (int c = chart->count - 1; c >= 0 && chart->count > 1; c--) {
        int letters = 0;
        for (const char *s = chart->curve[c].name; *s; s++) letters++;
        fv_text_printf(out, "<text class='name %s' x='%d' y='20' text-anchor='end'>", chart->curve[c].kind, x);
        fv_html_text(out, chart->curve[c].name);
        fv_text_add(out, "</text>");
        x -= 8 * letters + 18;
    }
}

void fv_chart_svg(fv_text *out, const fv_chart *chart) {
    frame f = frame_of(chart);
    fv_text_printf(out, "<svg class='chart' viewBox='0 0 %d %d' role='img' aria-label='", WIDTH, HEIGHT);
    fv_html_text(out, chart->title);
    fv_text_printf(out, " over the epochs'><text class='title' x='%d' y='20'>", LEFT - 44);
    fv_html_text(out, chart->title);
    fv_text_printf(out, "%s</text>", f.logarithmic ? " (logarithmic)" : "");
    add_levels(out, &f);
    add_epochs(out, &f);
    add_mark(out, &f);
    for (int c = 0; c < chart->count; c++) add_line(out, &f, &chart->curve[c]);
    for (int c = 0; c < chart->count; c++) add_dots(out, &f, &chart->curve[c]);
    add_names(out, chart);
    fv_text_add(out, "</svg>\n");
}
