/* scores.c - how a model does with each class, as tables and as JSON. */
#include "scores.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the metrics of all samples --------------------------------------------------------------------------------- */

void cli_print_metrics(const fv_history *history) {
    char text[48];
    for (int i = 0; i < fv_history_metric_count(history); i++) {
        const char *name = fv_history_metric_name(history, i);
        printf("%s%s", i ? "  " : "", cli_metric(name, fv_history_get(history, name, 0), text));
    }
}

json_t *cli_json_metrics(const fv_history *history) {
    json_t *metrics = json_object();
    for (int i = 0; i < fv_history_metric_count(history); i++) {
        const char *name = fv_history_metric_name(history, i);
        json_object_set_new(metrics, name, cli_json_number(fv_history_get(history, name, 0)));
    }
    return metrics;
}

/* ---- classes ---------------------------------------------------------------------------------------------------- */

/* Characters that a UTF-8 text takes on a terminal, near enough. */
static int width_of(const char *s) {
    int width = 0;
    for (; *s; s++) width += ((unsigned char)*s & 0xc0) != 0x80;
    return width;
}

static int widest_name(const fv_scores *scores, int least) {
    int width = least;
    for (int c = 0; c < fv_scores_class_count(scores); c++) {
        int w = width_of(fv_scores_class(scores, c).name);
        if (w > width) width = w;
    }
    return width < 40 ? width : 40;
}

static void print_name(const char *name, int width) {
    int w = width_of(name);
    printf("%s%*s", name, w < width ? width - w : 0, "");
}

static void print_class(const char *name, int width, const fv_class_score *s, bool counts) {
    char text[32];
    print_name(name, width);
    printf("  %8.2f%%  %6.2f%%  %6.2f%%", 100 * s->precision, 100 * s->recall, 100 * s->f1);
    if (counts) printf("  %9s", cli_grouped(s->samples, text));
    putchar('\n');
}

void cli_print_classes(const fv_scores *scores) {
    int width = widest_name(scores, (int)sizeof "weighted" - 1);
    printf("\n%-*s  precision   recall       f1    samples\n", width, "class");
    for (int c = 0; c < fv_scores_class_count(scores); c++) {
        fv_class_score s = fv_scores_class(scores, c);
        print_class(s.name, width, &s, true);
    }
    fv_class_score mean = fv_scores_mean(scores, false), weighted = fv_scores_mean(scores, true);
    print_class("mean", width, &mean, false);
    print_class("weighted", width, &weighted, false);
    if (fv_scores_class_count(scores) == 2) printf("area under the ROC curve: %.4f\n", fv_scores_auc(scores));
}

/* ---- confusion -------------------------------------------------------------------------------------------------- */

enum { WIDEST_MATRIX = 30, MOST_PAIRS = 5 };

/* Columns have the names of the classes where these are short, else their numbers, which then stand before the names. */
static void print_matrix(const fv_scores *scores) {
    int count = fv_scores_class_count(scores), width = widest_name(scores, 4), cell = 1;
    bool named = width <= 6;
    for (int t = 0; t < count; t++)
        for (int a = 0; a < count; a++) {
            int digits = snprintf(NULL, 0, "%" PRId64, fv_scores_confusion(scores, t, a));
            if (digits > cell) cell = digits;
        }
    int head = named ? widest_name(scores, 1) : snprintf(NULL, 0, "%d", count - 1);
    if (head > cell) cell = head;
    int left = named ? width : width + head + 1;
    printf("\n%-*s", left, "is");
    for (int a = 0; a < count; a++) {
        const char *name = fv_scores_class(scores, a).name;
        if (named)
            printf("  %*s%s", cell - width_of(name), "", name);
        else
            printf("  %*d", cell, a);
    }
    printf("   <- taken for\n");
    for (int t = 0; t < count; t++) {
        if (!named) printf("%*d ", head, t);
        print_name(fv_scores_class(scores, t).name, width);
        for (int a = 0; a < count; a++) {
            int64_t n = fv_scores_confusion(scores, t, a);
            if (n)
                printf("  %*" PRId64, cell, n);
            else
                printf("  %*s", cell, ".");
        }
        putchar('\n');
    }
}

typedef struct pair {
    int truth, answer;
    int64_t count;
} pair;

/* Puts the pair where it belongs; of equal counts the first stays in front. */
static void keep_pair(pair pairs[MOST_PAIRS], int *kept, pair p) {
    int at = *kept;
    while (at > 0 && p.count > pairs[at - 1].count) at--;
    if (at == MOST_PAIRS) return;
    if (*kept < MOST_PAIRS) ++*kept;
    memmove(&pairs[at + 1], &pairs[at], (size_t)(*kept - 1 - at) * sizeof *pairs);
    pairs[at] = p;
}

static void print_pairs(const fv_scores *scores) {
    pair pairs[MOST_PAIRS];
    int kept = 0, count = fv_scores_class_count(scores);
    for (int t = 0; t < count; t++)
        for (int a = 0; a < count; a++) {
            int64_t n = t == a ? 0 : fv_scores_confusion(scores, t, a);
            if (n > 0) keep_pair(pairs, &kept, (pair){t, a, n});
        }
    if (!kept) return;
    printf("\nMost often: ");
    for (int i = 0; i < kept; i++)
        printf("%s%s for %s (%" PRId64 ")", i ? ", " : "", fv_scores_class(scores, pairs[i].truth).name,
               fv_scores_class(scores, pairs[i].answer).name, pairs[i].count);
    printf("\n");
}

void cli_print_confusion(const fv_scores *scores) {
    if (fv_scores_class_count(scores) <= WIDEST_MATRIX) print_matrix(scores);
    print_pairs(scores);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

static json_t *json_class(const fv_class_score *s, bool named) {
    json_t *object = json_pack("{s:o, s:o, s:o}", "precision", cli_json_number(s->precision), "recall",
                               cli_json_number(s->recall), "f1", cli_json_number(s->f1));
    if (!named) return object;
    json_object_set_new(object, "name", json_string(s->name));
    json_object_set_new(object, "samples", json_integer(s->samples));
    json_object_set_new(object, "answers", json_integer(s->answers));
    json_object_set_new(object, "right", json_integer(s->right));
    return object;
}

static json_t *json_matrix(const fv_scores *scores) {
    int count = fv_scores_class_count(scores);
    json_t *rows = json_array();
    for (int t = 0; t < count; t++) {
        json_t *row = json_array();
        for (int a = 0; a < count; a++) json_array_append_new(row, json_integer(fv_scores_confusion(scores, t, a)));
        json_array_append_new(rows, row);
    }
    return rows;
}

void cli_add_scores(json_t *object, const fv_scores *scores) {
    int count = fv_scores_class_count(scores);
    if (!count) return;
    json_t *classes = json_array();
    for (int c = 0; c < count; c++) {
        fv_class_score s = fv_scores_class(scores, c);
        json_array_append_new(classes, json_class(&s, true));
    }
    fv_class_score mean = fv_scores_mean(scores, false), weighted = fv_scores_mean(scores, true);
    json_object_set_new(object, "accuracy", cli_json_number(fv_scores_accuracy(scores)));
    json_object_set_new(object, "classes", classes);
    json_object_set_new(object, "mean", json_class(&mean, false));
    json_object_set_new(object, "weighted", json_class(&weighted, false));
    if (count == 2) json_object_set_new(object, "auc", cli_json_number(fv_scores_auc(scores)));
    if (fv_scores_confusion(scores, 0, 0) >= 0) json_object_set_new(object, "confusion", json_matrix(scores));
}
