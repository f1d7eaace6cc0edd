/* foretell.h - how much memory a network will need, for people and for programs. */
#ifndef FV_CLI_FORETELL_H
#define FV_CLI_FORETELL_H

#include "common.h"

/* Two lines: a run that predicts (of one sample) and a step of training (of the net's batch), or both of `batch` samples where
 * that is not 0. `input` as in fv_foretell_options, or NULL. */
void cli_print_memory(fv_net *net, const fv_shape *input, int64_t batch);
/* {"inference": {"batch": 1, "weights": ..., "total": ...}, "training": {...}} in bytes; null for what cannot be planned. */
json_t *cli_json_memory(fv_net *net, const fv_shape *input, int64_t batch);

#endif
