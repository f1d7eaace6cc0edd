/* report.h - the page about a training: what its sections are made from. */
#ifndef FV_LOOK_REPORT_H
#define FV_LOOK_REPORT_H

#include "html.h"
#include "train.h"

/* Everything that is told. */
typedef struct fv_page {
    const char *folder;
    fv_model *model, *last; /* the best one; the one after the last epoch */
    fv_history *history;
    fv_scores *scores; /* of the best one on what was held back */
    fv_data *judged;   /* that; `held` are its samples in `data`, NULL: it is no part of it */
    fv_data *data;
    const char *judged_as; /* "validation", "training" */
    int64_t *held, held_count;
    bool owns_judged;
    int best; /* epoch from 0 */
    fv_error *error;
    fv_text out;
} fv_page;

extern const char fv_report_style[];

/* What is kept with the model, or "". */
const char *fv_page_note(const fv_page *page, const char *key);

/* Sections (report_sections.c, report_classes.c); each writes its own heading. */
void fv_page_head(fv_page *page);
void fv_page_curves(fv_page *page);
void fv_page_classes(fv_page *page);
fv_status fv_page_mistakes(fv_page *page);
fv_status fv_page_network(fv_page *page);
void fv_page_options(fv_page *page);

#endif
