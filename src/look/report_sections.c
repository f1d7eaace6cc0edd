/* report_sections.c - a report's head, curves, network and options. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "memory.h"
#include "report.h"

/* ---- head ------------------------------------------------------------------------------------------------------- */

static void card(fv_page *page, const char *value, const char *what) {
    fv_text_add(&page->out, "<div class='card'><b>");
    fv_html_text(&page->out, value);
    fv_text_add(&page->out, "</b><span>");
    fv_html_text(&page->out, what);
    fv_text_add(&page->out, "</span></div>\n");
}

static void duration(double seconds, char out[48]) {
    if (seconds < 100)
        snprintf(out, 48, "%.1f s", seconds);
    else if (seconds < 6000)
        snprintf(out, 48, "%.0f min %02.0f s", floor(seconds / 60), fmod(seconds, 60));
    else
        snprintf(out, 48, "%.0f h %02.0f min", floor(seconds / 3600), floor(fmod(seconds, 3600) / 60));
}

/* Is it a part of a whole? Such metrics are shown as percent. */
static bool is_part(const char *name) {
    if (strncmp(name, "val_", 4) == 0) name += 4;
    return strstr(name, "accuracy") || strstr(name, "precision") || strstr(name, "recall") || strstr(name, "f1") ||
           strncmp(name, "top", 3) == 0;
}

static void metric_cards(fv_page *page) {
    const fv_history *metrics = fv_scores_metrics(page->scores);
    char value[48], what[96];
    bool f1 = fv_scores_class_count(page->scores) > 0;
    for (int i = 1; i <= metrics->metrics; i++) { /* the loss, which comes first, is shown last */
        const char *name = metrics->names[i % metrics->metrics];
        f1 = f1 && strcmp(name, "f1") != 0;
        double v = fv_history_get(metrics, name, 0);
        snprintf(value, sizeof value, is_part(name) ? "%.2f%%" : "%.4g", is_part(name) ? 100 * v : v);
        snprintf(what, sizeof what, "%s %s", page->judged_as, name);
        card(page, value, what);
    }
    snprintf(value, sizeof value, "%.2f%%", 100 * fv_scores_mean(page->scores, false).f1);
    snprintf(what, sizeof what, "%s f1", page->judged_as);
    if (f1) card(page, value, what);
}

static void all_cards(fv_page *page) {
    const fv_history *h = page->history;
    char value[64], what[64];
    fv_text_add(&page->out, "<div class='cards'>\n");
    metric_cards(page);
    snprintf(value, sizeof value, "%d", page->best + 1);
    snprintf(what, sizeof what, "best epoch of %d", h->epochs);
    card(page, value, what);
    double seconds = 0;
    for (int e = 0; e < h->epochs; e++) {
        double s = fv_history_get(h, "seconds", e);
        if (isfinite(s)) seconds += s;
    }
    duration(seconds, value);
    card(page, value, "training time");
    fv_text_add(&page->out, "</div>\n");
}

void fv_page_head(fv_page *page) {
    fv_text *out = &page->out;
    const char *net = fv_page_note(page, "command.net"), *data = fv_page_note(page, "command.data");
    if (!*data) data = fv_page_note(page, "train.data");
    fv_text title = {0};
    fv_text_printf(&title, "%s%s%s", *net ? net : "A training", *data ? " on " : "", data);
    fv_text_add(out, "<!doctype html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
                     "<meta name='viewport' content='width=device-width,initial-scale=1'>\n<title>");
    fv_html_text(out, title.data);
    fv_text_add(out, "</title>\n<style>\n");
    fv_text_add(out, fv_report_style);
    fv_text_add(out, "</style>\n</head>\n<body>\n<h1>");
    fv_html_text(out, title.data);
    fv_text_add(out, "</h1>\n<p class='lead'>");
    char *verdict = fv_history_verdict(page->history);
    fv_html_text(out, verdict);
    fv_text_add(out, "</p>\n");
    all_cards(page);
    fv_free(verdict);
    fv_text_free(&title);
}

/* ---- curves ----------------------------------------------------------------------------------------------------- */

/* A metric and, where it is there, the same on held back samples. */
static void add_chart(fv_page *page, const char *metric, double *values) {
    const fv_history *h = page->history;
    char held[128];
    bool rate = strcmp(metric, "learning_rate") == 0;
    fv_chart chart = {.title = rate ? "learning rate" : metric,
                      .epochs = h->epochs,
                      .marked = page->best,
                      .percent = is_part(metric),
                      .linear = rate,
                      .count = 1};
    chart.curve[0] = (fv_curve){"training", rate ? "held" : "train", values};
    snprintf(held, sizeof held, "val_%s", metric);
    bool any = false;
    for (int m = 0; m < h->metrics; m++) any |= strcmp(h->names[m], held) == 0;
    if (any) chart.curve[chart.count++] = (fv_curve){"validation", "held", values + h->epochs};
    for (int e = 0; e < h->epochs; e++) {
        values[e] = fv_history_get(h, metric, e);
        values[h->epochs + e] = fv_history_get(h, held, e);
    }
    fv_text_add(&page->out, "<div class='panel'>");
    fv_chart_svg(&page->out, &chart);
    fv_text_add(&page->out, "</div>\n");
}

/* A learning rate that does not change needs no chart. */
static bool changes(const fv_history *h, const char *metric) {
    for (int e = 1; e < h->epochs; e++)
        if (fv_history_get(h, metric, e) != fv_history_get(h, metric, 0)) return true;
    return false;
}

void fv_page_curves(fv_page *page) {
    const fv_history *h = page->history;
    double *values = fv_alloc_array(2 * (size_t)h->epochs, sizeof *values);
    if (!values) {
        page->out.failed = true;
        return;
    }
    fv_text_add(&page->out, "<h2>How it learned</h2>\n<div class='two'>\n");
    for (int m = 0; m < h->metrics; m++) {
        const char *name = h->names[m];
        if (strncmp(name, "val_", 4) == 0 || strcmp(name, "seconds") == 0 || strcmp(name, "best") == 0) continue;
        if (strcmp(name, "learning_rate") != 0 || changes(h, name)) add_chart(page, name, values);
    }
    fv_text_add(&page->out, "</div>\n");
    fv_free(values);
}

/* ---- network ---------------------------------------------------------------------------------------------------- */

static void count_cell(fv_page *page, int64_t count, int64_t total) {
    if (!count) {
        fv_text_add(&page->out, "<td class='n soft'>&ndash;</td>");
        return;
    }
    fv_text_printf(&page->out, "<td class='bar' style='--w:%.1f%%'>",
                   total ? 100.0 * (double)count / (double)total : 0);
    fv_html_count(&page->out, count);
    fv_text_add(&page->out, "</td>");
}

static void layer_row(fv_page *page, const fv_layer *layer, const fv_layer *total) {
    char shape[128];
    const char *text = fv_shape_text(&layer->output, shape, sizeof shape);
    fv_text_add(&page->out, "<tr><td>");
    fv_html_text(&page->out, layer->name);
    fv_text_add(&page->out, "</td><td><code>");
    fv_html_text(&page->out, layer->op);
    fv_text_add(&page->out, layer->detail && *layer->detail ? " " : "");
    fv_html_text(&page->out, layer->detail);
    fv_text_add(&page->out, "</code></td><td>");
    fv_html_text(&page->out, strncmp(text, "Nx", 2) == 0 ? text + 2 : text);
    fv_text_add(&page->out, "</td>");
    count_cell(page, layer->parameters, total->parameters);
    count_cell(page, layer->macs, total->macs);
    fv_text_add(&page->out, "</tr>\n");
}

fv_status fv_page_network(fv_page *page) {
    enum { MANY = 20 };
    fv_summary *summary = fv_summarize(page->model->net, NULL, NULL);
    fv_text_add(&page->out, "<h2>The network</h2>\n");
    if (summary) {
        fv_layer total = fv_summary_total(summary);
        int count = fv_summary_count(summary);
        fv_text_printf(&page->out,
                       "<div class='panel%s'><table>\n<thead><tr><th>layer</th><th>operator</th>"
                       "<th>output</th><th class='n'>parameters</th><th class='n'>multiply-adds</th></tr>"
                       "</thead>\n",
                       count > MANY ? " tall" : "");
        for (int i = 0; i < count; i++) {
            layer_row(page, fv_summary_layer(summary, i), &total);
        }
        fv_text_add(&page->out, "<tr class='sum'><td>total</td><td></td><td></td><td class='n'>");
        fv_html_count(&page->out, total.parameters);
        fv_text_add(&page->out, "</td><td class='n'>");
        fv_html_count(&page->out, total.macs);
        fv_text_add(&page->out, "</td></tr>\n</table></div>\n");
    }
    fv_summary_free(summary);
    char *text = fv_net_text(page->model->net);
    if (!text) return fv_fail_memory(page->error, "a report", page->out.length);
    fv_text_add(&page->out, "<details><summary>the same as text</summary><div class='panel'><pre>");
    fv_html_text(&page->out, text);
    fv_text_add(&page->out, "</pre></div></details>\n");
    fv_free(text);
    return FV_OK;
}

/* ---- options ---------------------------------------------------------------------------------------------------- */

static void fact(fv_page *page, const char *name, const char *value) {
    if (!value || !*value) return;
    fv_text_add(&page->out, "<tr><td>");
    for (; *name; name++) fv_text_add_n(&page->out, *name == '_' ? " " : name, 1);
    fv_text_add(&page->out, "</td><td>");
    fv_html_text(&page->out, value);
    fv_text_add(&page->out, "</td></tr>\n");
}

void fv_page_options(fv_page *page) {
    char hash[32];
    const char *command = fv_page_note(page, "command");
    fv_text_add(&page->out, "<h2>How to get it again</h2>\n<div class='panel'>\n");
    if (*command) {
        fv_text_add(&page->out, "<pre>");
        fv_html_text(&page->out, command);
        fv_text_add(&page->out, "</pre>\n");
    }
    fv_text_add(&page->out, "</div>\n<div class='panel' style='margin-top:14px'><table class='facts'>\n");
    for (int i = 0; i < page->last->note_count; i++) {
        const fv_note *note = &page->last->notes[i];
        if (strncmp(note->key, "train.", 6) == 0 && strcmp(note->key, "train.hash") != 0 &&
            strcmp(note->key, "train.epoch") != 0)
            fact(page, note->key + 6, note->value);
    }
    fact(page, "instruction set", fv_page_note(page, "command.isa"));
    snprintf(hash, sizeof hash, "%016" PRIx64, fv_model_hash(page->last));
    fact(page, "weights after the last epoch", hash);
    snprintf(hash, sizeof hash, "%016" PRIx64, fv_model_hash(page->model));
    fact(page, "weights of the best epoch", hash);
    fv_text_add(&page->out, "</table></div>\n");
}
