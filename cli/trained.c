/* trained.c - what goes with a training beside its models. */
#include "trained.h"

#include <stdlib.h>
#include <time.h>

#include "common.h"

fv_tensorboard *cli_board_open(const cli_call *call, const char *folder, bool goes_on) {
    char path[4200];
    fv_error error = {0};
    snprintf(path, sizeof path, "%s/tensorboard", folder);
    fv_tensorboard *board = fv_tensorboard_open(path, goes_on, &error);
    if (!board) cli_fail(call, &error);
    return board;
}

void cli_board_event(const cli_call *call, fv_tensorboard **board, const fv_event *event) {
    fv_error error = {0};
    if (!*board || !fv_tensorboard_write(*board, event, (double)time(NULL), &error)) return;
    cli_fail(call, &error);
    fv_tensorboard_close(*board);
    *board = NULL;
}

void cli_trained(const cli_call *call, FILE *out, const char *folder, const fv_history *history, fv_data *data,
                 fv_data *validation) {
    fv_error error = {0};
    char *verdict = out && fv_history_epochs(history) ? fv_history_verdict(history) : NULL;
    if (verdict) {
        fprintf(out, "%s\n", verdict);
        fflush(out);
    }
    fv_free(verdict);
    if (folder && fv_history_epochs(history) && fv_report(folder, data, &error, .validation = validation))
        cli_fail(call, &error);
}
