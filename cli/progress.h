/* progress.h - a training as it goes: one line that is redrawn on a terminal, one line an epoch elsewhere. */
#ifndef FV_CLI_PROGRESS_H
#define FV_CLI_PROGRESS_H

#include <stdio.h>

#include "fovea.h"

typedef struct cli_progress {
    FILE *out;
    bool terminal;
    double drawn; /* seconds of the clock at the last drawing */
    int width;    /* of the line on the terminal now */
} cli_progress;

cli_progress cli_progress_begin(FILE *out);
void cli_progress_event(cli_progress *progress, const fv_event *event);
/* Leaves no half line behind. */
void cli_progress_end(cli_progress *progress);

#endif
