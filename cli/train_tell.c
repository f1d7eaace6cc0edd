/* train_tell.c - fovea train: what it says before the first step, and how to do it again. */
#include "training.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *cli_train_kept(const cli_training *t, const char *key) { return fv_model_note(t->model, key); }

int64_t cli_train_kept_number(const cli_training *t, const char *key) {
    const char *text = cli_train_kept(t, key);
    return text ? strtoll(text, NULL, 10) : 0;
}

/* Where a run goes on, and what more epochs do to the learning rate. */
static void print_where(const cli_training *t) {
    int64_t before = cli_train_kept_number(t, "train.epochs_before");
    const char *schedule = cli_train_kept(t, "train.schedule");
    if (t->epoch > t->epochs)
        fprintf(t->out, "%s is finished: %" PRId64 " epochs; --epochs N extends it\n", t->folder, t->epochs);
    else
        fprintf(t->out, "going on in epoch %" PRId64 "/%" PRId64 " after step %" PRId64 " of %" PRId64 "\n", t->epoch,
                t->epochs, t->step, t->steps);
    if (before && before < t->epochs && schedule && strcmp(schedule, "constant") != 0)
        fprintf(t->out,
                "the schedule %s spans all %" PRId64 " epochs from here on; steps that were taken under %" PRId64
                " stay as they are\n",
                schedule, t->epochs, before);
}

/* "270 samples, 27 of each class", "40 samples: cat 30, dog 10", "5,000 samples, 3 to 120 of a class" */
static void print_part(const cli_training *t, const fv_event *event, int part) {
    enum { FEW = 12 };
    char number[32];
    const int64_t *counts = event->class_samples[part];
    int64_t least = INT64_MAX, most = 0;
    for (int c = 0; counts && c < event->class_count; c++) {
        if (counts[c] < least) least = counts[c];
        if (counts[c] > most) most = counts[c];
    }
    fprintf(t->out, "%s %s samples",
            part ? "; held back for validation" : "to train on:", cli_grouped(event->part_samples[part], number));
    if (!counts || !event->class_count) return;
    if (least == most) {
        fprintf(t->out, ", %s of each class", cli_grouped(least, number));
    } else if (event->class_count > FEW) {
        fprintf(t->out, ", %" PRId64 " to %" PRId64 " of a class", least, most);
    } else {
        for (int c = 0; c < event->class_count; c++)
            fprintf(t->out, "%s%s %" PRId64, c ? ", " : " (", fv_data_class_name(t->data, c), counts[c]);
        fputc(')', t->out);
    }
}

static void print_seconds(FILE *out, double seconds) {
    if (seconds < 120)
        fprintf(out, "%.2g s", seconds);
    else if (seconds < 7200)
        fprintf(out, "%.0f min", seconds / 60);
    else
        fprintf(out, "%.1f h", seconds / 3600);
}

/* What was found by looking before the first step. */
void cli_train_survey(const cli_training *t, const fv_event *event) {
    char needs[32], there[32];
    if (!event->epoch_seconds) return;
    print_part(t, event, 0);
    if (event->part_samples[1]) print_part(t, event, 1);
    fputc('\n', t->out);
    if (event->shared)
        fprintf(t->out, "warning: %" PRId64 " samples held back for validation are exactly in the training part, too\n",
                event->shared);
    for (int c = 0; event->class_weights && event->class_count <= 12 && c < event->class_count; c++)
        fprintf(t->out, "%s%s %.4g%s", c ? ", " : "classes count: ", fv_data_class_name(t->data, c),
                event->class_weights[c], c + 1 == event->class_count ? "\n" : "");
    fprintf(t->out, "an epoch will take about ");
    print_seconds(t->out, event->epoch_seconds);
    fprintf(t->out, "; needs %s", cli_bytes((int64_t)event->memory_needed, needs));
    if (event->memory_there) fprintf(t->out, " of %s", cli_bytes((int64_t)event->memory_there, there));
    fputs(" of memory\n", t->out);
}

void cli_train_head(const cli_training *t, const fv_event *event) {
    FILE *out = t->out;
    fv_summary *summary = fv_summarize(fv_model_net(t->model), NULL, NULL);
    char a[32], b[32];
    if (summary) {
        fv_layer total = fv_summary_total(summary);
        fprintf(out, "%s: %s parameters, %s multiply-adds a sample\n", t->net_name, cli_grouped(total.parameters, a),
                cli_short(total.macs, b));
    }
    fv_summary_free(summary);
    fprintf(out, "%s: %s samples", t->data_name, cli_grouped(fv_data_count(t->data), a));
    if (fv_data_class_count(t->data)) fprintf(out, " of %d classes", fv_data_class_count(t->data));
    if (fv_data_has_part(t->data, "all")) fprintf(out, " (%s)", fv_data_description(t->data)); /* how it was split */
    if (t->validation) {
        fprintf(out, "; validation on %s, %s samples", t->validation_name,
                cli_grouped(fv_data_count(t->validation), a));
    } else if (t->options->folds) {
        fprintf(out, "; %d folds, each held back once", (int)t->options->folds);
    } else if (t->split != FV_ZERO && !t->options->resume) {
        const char *of_net = fv_net_get(fv_model_net(t->model), "train", "validation_split");
        double part = t->split != 0 ? t->split : of_net ? strtod(of_net, NULL) : 0;
        fprintf(out, "; %g%% held back for validation, %s", 100 * part,
                t->options->validation_tail ? "the last ones" : "mixed, the same share of each class");
    }
    fputc('\n', out);
    if (!t->folder) fprintf(out, "nothing will be saved: -o DIR keeps the model\n");
    if (t->options->resume) print_where(t);
    cli_train_survey(t, event);
    fflush(out);
}

static bool plain_word(const char *s) {
    return *s && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+%") == strlen(s);
}

void cli_train_command(const cli_training *t, char *out, size_t size) {
    const cli_call *call = t->call;
    size_t at = (size_t)snprintf(out, size, "fovea");
    for (int i = 1; i < call->argc && at < size; i++) {
        const char *given = call->argv[i];
        if (strcmp(given, "--force") == 0 || strcmp(given, "-f") == 0) continue;
        if (strcmp(given, "--bf16") == 0 && !fv_has_bf16()) continue; /* products were of f32 numbers */
        bool plain = plain_word(given);
        at += (size_t)snprintf(out + at, size - at, plain ? " %s" : " '%s'", given);
    }
    if (!t->options->seed && at < size) at += (size_t)snprintf(out + at, size - at, " --seed 0");
    if (!t->options->isa && at < size) snprintf(out + at, size - at, " --isa %s", fv_isa());
}
