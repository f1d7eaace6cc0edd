/* trained.h - what goes with a training beside its models: words, a report, event files. */
#ifndef FV_CLI_TRAINED_H
#define FV_CLI_TRAINED_H

#include <stdio.h>

#include "command.h"

/* Writes event files in FOLDER/tensorboard: opens the board at the training's beginning, closes it at its end. What cannot be
 * written is said once, and the board given up: the training goes on. */
void cli_board_event(const cli_call *call, fv_tensorboard **board, const char *folder, bool goes_on,
                     const fv_event *event);

/* The training is over: says on `out` (NULL: nowhere) where validation loss turned and, with a folder, writes the report.
 * What cannot be written is said; the models are safe already. */
void cli_trained(const cli_call *call, FILE *out, const char *folder, const fv_history *history, fv_data *data,
                 fv_data *validation);

#endif
