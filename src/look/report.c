/* report.c - one self-contained page about a training. */
#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "memory.h"

const char *fv_page_note(const fv_page *page, const char *key) {
    const char *note = fv_model_note(page->model, key);
    return note ? note : "";
}

/* ---- what was held back ----------------------------------------------------------------------------------------- */

static int64_t whole_fact(const fv_checkpoint *checkpoint, const char *key) {
    const char *text = fv_checkpoint_fact(checkpoint, key);
    int64_t value = 0;
    return text && fv_parse_i64(text, &value) ? value : 0;
}

/* The split, or the fold, is a function of the data, the part and the seed: the checkpoint knows them. */
static fv_status split_again(fv_page *page, const fv_checkpoint *checkpoint) {
    const char *part_text = fv_checkpoint_fact(checkpoint, "validation split"),
               *kind = fv_checkpoint_fact(checkpoint, "kind of split");
    int64_t folds = whole_fact(checkpoint, "number of folds"), fold = whole_fact(checkpoint, "fold"), *train = NULL,
            count;
    const char *seed_text = fv_checkpoint_fact(checkpoint, "seed");
    uint64_t seed = seed_text ? strtoull(seed_text, NULL, 10) : 0;
    bool tail = kind && strcmp(kind, "tail") == 0,
         folded = folds > 1 && folds <= INT32_MAX && fold > 0 && fold <= folds;
    double part = 0;
    if (!folded && (!part_text || !fv_parse_double(part_text, &part) || !(part > 0 && part < 1))) return FV_OK;
    fv_status status = folded ? fv_data_fold(page->data, (int)fold, (int)folds, seed, &train, &count, &page->held,
                                             &page->held_count, page->error)
                              : fv_data_split(page->data, part, tail, seed, &train, &count, &page->held,
                                              &page->held_count, page->error);
    if (status) return status;
    fv_free(train);
    if (!page->held_count) return FV_OK;
    page->judged = fv_data_subset(page->data, page->held, page->held_count, page->error);
    page->owns_judged = true;
    return page->judged ? FV_OK : FV_E_MEMORY;
}

static fv_status choose_judged(fv_page *page, fv_data *validation) {
    fv_checkpoint checkpoint;
    fv_status status = FV_OK;
    page->judged_as = "validation";
    if (validation) {
        page->judged = validation;
        return FV_OK;
    }
    if (fv_checkpoint_open(&checkpoint, page->folder, NULL) == FV_OK) {
        status = split_again(page, &checkpoint);
        fv_checkpoint_close(&checkpoint);
    }
    if (status || page->judged) return status;
    page->judged = page->data;
    page->judged_as = "training";
    return FV_OK;
}

/* ---- the page --------------------------------------------------------------------------------------------------- */

/* The epoch that best.safetensors is of: the last that was the best so far. */
static int best_epoch(const fv_history *history) {
    int best = 0;
    for (int e = 0; e < history->epochs; e++)
        if (fv_history_get(history, "best", e) == 1) best = e;
    return best;
}

static fv_status load(fv_page *page, const fv_report_options *options) {
    char *last = fv_folder_file(page->folder, "last.safetensors", page->error);
    fv_status status = last ? FV_OK : FV_E_MEMORY;
    if (!status) page->history = fv_history_load(page->folder, page->error);
    if (page->history) page->model = fv_model_load(page->folder, page->error);
    if (page->model) page->last = fv_model_load(last, page->error);
    fv_free(last);
    if (!status && !page->last) status = fv_failed(page->error);
    if (!status) status = choose_judged(page, options->validation);
    if (status) return status;
    enum { MISTAKES = 24 };
    page->best = best_epoch(page->history);
    page->scores =
        fv_score(&page->model, 1, page->judged, page->error, .mistakes = MISTAKES, .threads = options->threads);
    return page->scores ? FV_OK : fv_failed(page->error);
}

static fv_status write_sections(fv_page *page) {
    fv_page_head(page);
    fv_page_curves(page);
    fv_page_classes(page);
    fv_status status = fv_page_mistakes(page);
    if (!status) status = fv_page_network(page);
    if (status) return status;
    fv_page_options(page);
    fv_text_printf(&page->out, "<footer>Made by fovea %s.</footer>\n</body>\n</html>\n", fv_version());
    return page->out.failed ? fv_fail_memory(page->error, "a report", page->out.length) : FV_OK;
}

static fv_status save(fv_page *page, const char *path) {
    char *own = path ? NULL : fv_folder_file(page->folder, "report.html", page->error);
    if (!path && !own) return FV_E_MEMORY;
    fv_part part = {page->out.data, page->out.length};
    fv_status status = fv_write_bytes(path ? path : own, &part, 1, page->error);
    fv_free(own);
    return status;
}

fv_status fv_report_with(const char *folder, fv_data *data, fv_error *error, const fv_report_options *given) {
    fv_report_options options;
    fv_error own = {0};
    fv_copy_options(&options, sizeof options, given, given ? given->size : 0);
    if (!folder || !data) return fv_fail(error, FV_E_ARGUMENT, "report: no %s was given", folder ? "data" : "folder");
    fv_page page = {.folder = folder, .data = data, .error = error ? error : &own};
    fv_status status = load(&page, &options);
    if (!status) status = write_sections(&page);
    if (!status) status = save(&page, options.path);
    fv_text_free(&page.out);
    fv_scores_free(page.scores);
    if (page.owns_judged) fv_data_free(page.judged);
    fv_free(page.held);
    fv_history_free(page.history);
    fv_model_free(page.last);
    fv_model_free(page.model);
    return status;
}
