/* trained.c - what goes with a training beside its models. */
#include "trained.h"

#include <stdlib.h>
#include <time.h>

#include "common.h"

static void close_board(fv_tensorboard **board) {
    fv_tensorboard_close(*board);
    *board = NULL;
}

void cli_board_event(const cli_call *call, fv_tensorboard **board, const char *folder, bool goes_on,
                     const fv_event *event) {
    char path[4200];
    fv_error error = {0};
    bool failed = false;
    snprintf(path, sizeof path, "%s/tensorboard", folder);
    if (event->kind == FV_EVENT_BEGIN) {
        close_board(board);
        *board = fv_tensorboard_open(path, goes_on, &error);
        failed = !*board;
    } else if (*board)
        failed = fv_tensorboard_write(*board, event, (double)time(NULL), &error) != FV_OK;
    if (failed) cli_fail(call, &error);
    if (failed || event->kind == FV_EVENT_END) close_board(board);
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
