/* progress.h - a training as it goes: one line that is redrawn on a terminal, one line an epoch elsewhere. */
#ifndef FV_CLI_PROGRESS_H
#define FV_CLI_PROGRESS_H

#include <stdio.h>

#include "fovea.h"

typedef enum cli_style { CLI_AUTO, CLI_BAR, CLI_PLAIN, CLI_NONE } cli_style; /* auto: a bar on a terminal, else plain */
/* false: none of "auto", "bar", "plain", "none" (NULL is auto). */
bool cli_read_style(const char *text, cli_style *out);

typedef struct cli_progress {
    FILE *out;
    bool bar, epochs; /* draws the line, prints one for each epoch */
    double drawn; /* seconds of the clock at the last drawing */
    int width;    /* of the line on the terminal now */
} cli_progress;

cli_progress cli_progress_begin(FILE *out, cli_style style);
void cli_progress_event(cli_progress *progress, const fv_event *event);
/* A line of its own, above the one that is redrawn. */
void cli_progress_note(cli_progress *progress, const char *text);
/* Leaves no half line behind. */
void cli_progress_end(cli_progress *progress);

#endif
