/* scores.h - how a model does with each class, as tables and as JSON. */
#ifndef FV_CLI_SCORES_H
#define FV_CLI_SCORES_H

#include "common.h"

/* Precision, recall and F1 of every class, and their means. */
void cli_print_classes(const fv_scores *scores);
/* What was taken for what: the matrix where it fits on a screen, and the pairs that are confused most. */
void cli_print_confusion(const fv_scores *scores);
/* Adds "classes", "mean", "weighted", "auc" and "confusion" to the object, where the model chooses between classes. */
void cli_add_scores(json_t *object, const fv_scores *scores);
/* The metrics as an object; as one line of text without its end. */
json_t *cli_json_metrics(const fv_history *history);
void cli_print_metrics(const fv_history *history);

#endif
