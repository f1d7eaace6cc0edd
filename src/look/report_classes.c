/* report_classes.c - a report's classes, what was taken for what, and the surest mistakes. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "memory.h"
#include "report.h"
#include "sample_picture.h"

enum { MATRIX = 30, CLASSES = 200, LARGE = 112 };

/* ---- classes ---------------------------------------------------------------------------------------------------- */

static void part_cell(fv_page *page, double part, double usual) {
    bool low = part < usual - 0.1;
    fv_text_printf(&page->out, "<td class='bar%s' style='--w:%.1f%%'>%.1f%%</td>", low ? " low" : "", 100 * part,
                   100 * part);
}

static void class_row(fv_page *page, const fv_class_score *s, const fv_class_score *mean) {
    fv_text_add(&page->out, "<tr><td>");
    fv_html_text(&page->out, s->name);
    fv_text_add(&page->out, "</td>");
    part_cell(page, s->precision, mean->precision);
    part_cell(page, s->recall, mean->recall);
    part_cell(page, s->f1, mean->f1);
    fv_text_add(&page->out, "<td class='n'>");
    fv_html_count(&page->out, s->samples);
    fv_text_add(&page->out, "</td></tr>\n");
}

static void mean_row(fv_page *page, const char *name, const fv_class_score *s, bool first) {
    fv_text_printf(&page->out,
                   "<tr%s><td>%s</td><td class='n'>%.1f%%</td><td class='n'>%.1f%%</td><td class='n'>%.1f%%</td>"
                   "<td class='n'>",
                   first ? " class='sum'" : "", name, 100 * s->precision, 100 * s->recall, 100 * s->f1);
    if (first) fv_html_count(&page->out, s->samples);
    fv_text_add(&page->out, "</td></tr>\n");
}

static void class_table(fv_page *page) {
    int count = fv_scores_class_count(page->scores), shown = count < CLASSES ? count : CLASSES;
    fv_class_score mean = fv_scores_mean(page->scores, false), weighted = fv_scores_mean(page->scores, true);
    fv_text_add(&page->out, "<div class='panel tall'><table>\n<thead><tr><th>class</th><th class='n'>precision</th>"
                            "<th class='n'>recall</th><th class='n'>F1</th><th class='n'>samples</th></tr></thead>\n");
    for (int c = 0; c < shown; c++) {
        fv_class_score s = fv_scores_class(page->scores, c);
        class_row(page, &s, &mean);
    }
    mean_row(page, "mean", &mean, true);
    mean_row(page, "weighted by samples", &weighted, false);
    fv_text_add(&page->out, "</table>\n");
    if (shown < count) fv_text_printf(&page->out, "<p class='soft'>and %d more classes</p>\n", count - shown);
    if (count == 2)
        fv_text_printf(&page->out, "<p class='pairs'>Area under the ROC curve: %.4f</p>\n",
                       fv_scores_auc(page->scores));
    fv_text_add(&page->out, "</div>\n");
}

/* ---- confusion -------------------------------------------------------------------------------------------------- */

/* Colour by the part of the row; mistakes, which are few, by its root. */
static void matrix_cell(fv_page *page, int truth, int answer, int64_t samples) {
    int64_t n = fv_scores_confusion(page->scores, truth, answer);
    double part = samples ? (double)n / (double)samples : 0, shade = truth == answer ? part : sqrt(part);
    if (n <= 0) {
        fv_text_add(&page->out, "<td class='none'>&middot;</td>");
        return;
    }
    fv_text_printf(&page->out, "<td class='%s%s' style='--a:%.3f' title='", truth == answer ? "hit" : "miss",
                   shade > 0.55 ? " full" : "", shade);
    fv_html_text(&page->out, fv_scores_class(page->scores, truth).name);
    fv_text_add(&page->out, truth == answer ? " recognised: " : " taken for ");
    if (truth != answer) {
        fv_html_text(&page->out, fv_scores_class(page->scores, answer).name);
        fv_text_add(&page->out, ": ");
    }
    fv_text_printf(&page->out, "%" PRId64 " of %" PRId64 "'>%" PRId64 "</td>", n, samples, n);
}

static void matrix(fv_page *page) {
    int count = fv_scores_class_count(page->scores);
    fv_text_add(&page->out, "<table class='matrix'>\n<tr><th class='r'>is &#92; taken for</th>");
    for (int c = 0; c < count; c++) {
        fv_text_add(&page->out, "<th>");
        fv_html_text(&page->out, fv_scores_class(page->scores, c).name);
        fv_text_add(&page->out, "</th>");
    }
    fv_text_add(&page->out, "</tr>\n");
    for (int t = 0; t < count; t++) {
        fv_class_score s = fv_scores_class(page->scores, t);
        fv_text_add(&page->out, "<tr><th class='r'>");
        fv_html_text(&page->out, s.name);
        fv_text_add(&page->out, "</th>");
        for (int a = 0; a < count; a++) matrix_cell(page, t, a, s.samples);
        fv_text_add(&page->out, "</tr>\n");
    }
    fv_text_add(&page->out, "</table>\n");
}

/* The largest numbers beside the diagonal, one after the other. */
static void worst_pairs(fv_page *page) {
    enum { MOST = 5 };
    int count = fv_scores_class_count(page->scores), found = 0;
    int64_t limit = INT64_MAX;
    int last_truth = -1, last_answer = -1;
    for (; found < MOST; found++) {
        int64_t most = 0;
        int truth = 0, answer = 0;
        for (int t = 0; t < count; t++)
            for (int a = 0; a < count; a++) {
                int64_t n = t == a ? 0 : fv_scores_confusion(page->scores, t, a);
                bool later = t > last_truth || (t == last_truth && a > last_answer);
                if (n > most && (n < limit || (n == limit && later))) most = n, truth = t, answer = a;
            }
        if (!most) break;
        limit = most, last_truth = truth, last_answer = answer;
        fv_text_add(&page->out, found ? ", " : "<p class='pairs'>Most often: ");
        fv_html_text(&page->out, fv_scores_class(page->scores, truth).name);
        fv_text_add(&page->out, " for ");
        fv_html_text(&page->out, fv_scores_class(page->scores, answer).name);
        fv_text_printf(&page->out, " (%" PRId64 ")", most);
    }
    if (found) fv_text_add(&page->out, "</p>\n");
}

void fv_page_classes(fv_page *page) {
    int count = fv_scores_class_count(page->scores);
    if (!count) return;
    fv_text_add(&page->out, "<h2>Class by class</h2>\n<p class='soft'>The best model on ");
    fv_html_count(&page->out, fv_scores_samples(page->scores));
    fv_text_printf(&page->out,
                   " %s samples. Precision: how many of the answers with a class are right. Recall: how many "
                   "samples of a class are found. F1: their harmonic mean.</p>\n<div class='two'>\n",
                   page->judged_as);
    class_table(page);
    if (fv_scores_confusion(page->scores, 0, 0) >= 0) {
        fv_text_add(&page->out, "<div class='panel'>\n");
        if (count <= MATRIX) matrix(page);
        worst_pairs(page);
        fv_text_add(&page->out, "</div>\n");
    }
    fv_text_add(&page->out, "</div>\n");
}

/* ---- mistakes --------------------------------------------------------------------------------------------------- */

static fv_status add_picture(fv_page *page, int64_t sample) {
    const fv_shape *shape = &page->judged->fields[fv_picture_field(page->judged)].shape;
    bool small = shape->dim[0] <= LARGE && shape->dim[1] <= LARGE;
    fv_tensor picture;
    fv_status status = small ? fv_sample_picture(page->judged, sample, &picture, page->error)
                             : fv_sample_tile(page->judged, sample, 2 * LARGE, &picture, page->error);
    if (status) return status;
    fv_text_printf(&page->out, "<img%s alt='' src='", small ? " class='small'" : "");
    status = fv_html_picture(&page->out, &picture, page->error);
    fv_text_add(&page->out, "'>");
    fv_free(picture.data);
    return status;
}

static fv_status add_mistake(fv_page *page, const fv_mistake *m, bool pictures) {
    int64_t number = page->held && page->owns_judged ? page->held[m->sample] : m->sample;
    fv_text_add(&page->out, "<figure>");
    fv_status status = pictures ? add_picture(page, m->sample) : FV_OK;
    fv_text_add(&page->out, "<figcaption><b>");
    fv_html_text(&page->out, fv_scores_class(page->scores, m->truth).name);
    fv_text_add(&page->out, "</b> for <b>");
    fv_html_text(&page->out, fv_scores_class(page->scores, m->answer).name);
    fv_text_printf(&page->out, "</b><span>%.1f%% sure</span><span>sample %" PRId64 "</span></figcaption></figure>\n",
                   100 * m->probability, number);
    return status;
}

fv_status fv_page_mistakes(fv_page *page) {
    int count = fv_scores_mistake_count(page->scores);
    bool pictures = fv_picture_field(page->judged) >= 0;
    fv_status status = FV_OK;
    if (!count) return FV_OK;
    fv_text_add(&page->out,
                "<h2>Its surest mistakes</h2>\n<p class='soft'>What it is, and what the model takes it for. Among "
                "them are samples that people would not get right, or that have a wrong label.</p>\n"
                "<div class='wrong'>\n");
    for (int i = 0; i < count && !status; i++) {
        fv_mistake mistake = fv_scores_mistake(page->scores, i);
        status = add_mistake(page, &mistake, pictures);
    }
    fv_text_add(&page->out, "</div>\n");
    return status;
}
