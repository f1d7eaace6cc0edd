/* progress.c - a training as it goes. */
#include "progress.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "common.h"

static const double between = 0.1; /* seconds between two drawings */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int columns(const cli_progress *p) {
    struct winsize size;
    return ioctl(fileno(p->out), TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

bool cli_read_style(const char *text, cli_style *out) {
    static const char *const names[] = {"auto", "bar", "plain", "none"};
    *out = CLI_AUTO;
    for (int i = 0; text && i < 4; i++)
        if (!strcmp(text, names[i])) return *out = (cli_style)i, true;
    return !text;
}

/* Nothing here is coloured: NO_COLOR has nothing to switch off. */
cli_progress cli_progress_begin(FILE *out, cli_style style) {
    const char *term = getenv("TERM");
    bool terminal = isatty(fileno(out)) && !(term && !strcmp(term, "dumb"));
    return (cli_progress){
        .out = out, .bar = style == CLI_BAR || (style == CLI_AUTO && terminal), .epochs = style != CLI_NONE};
}

static void add_metrics(char *line, size_t size, const fv_event *event) {
    char text[48];
    for (int i = 0; i < event->metric_count; i++) {
        size_t length = strlen(line);
        snprintf(line + length, size - length, "  %s",
                 cli_metric(event->metric_names[i], event->metric_values[i], text));
    }
}

static void clear(cli_progress *p) {
    if (p->width) fprintf(p->out, "\r%*s\r", p->width, "");
    p->width = 0;
}

/* "9 s", "12 min", "3.4 h" */
static void add_time(char *line, size_t size, double seconds) {
    size_t length = strlen(line);
    if (seconds < 120)
        snprintf(line + length, size - length, "  %.0f s left", seconds);
    else if (seconds < 7200)
        snprintf(line + length, size - length, "  %.0f min left", seconds / 60);
    else
        snprintf(line + length, size - length, "  %.1f h left", seconds / 3600);
}

/* epoch 1/5 [#####-----] 120/469  8,120 images/s  loss 0.123  accuracy 96.20%  4 s left */
static void draw_step(cli_progress *p, const fv_event *event) {
    enum { BAR = 20 };
    double time = now();
    bool last = event->step == event->steps;
    if (!p->bar || (time - p->drawn < between && !last)) return;
    char line[512], bar[BAR + 1], rate[32];
    int done = (int)(event->step * BAR / event->steps);
    for (int i = 0; i < BAR; i++) bar[i] = i < done ? '#' : '-';
    bar[BAR] = 0;
    double each = event->seconds > 0 ? (double)event->samples / event->seconds : 0;
    snprintf(line, sizeof line, "epoch %" PRId64 "/%" PRId64 " [%s] %" PRId64 "/%" PRId64 "  %s images/s", event->epoch,
             event->epochs, bar, event->step, event->steps, cli_grouped((int64_t)each, rate));
    add_metrics(line, sizeof line, event);
    double epochs = (double)(event->epochs - event->epoch) + 1 - (double)event->step / (double)event->steps;
    if (each > 0) add_time(line, sizeof line, event->seconds * (double)event->steps / (double)event->step * epochs);
    int width = columns(p) - 1;
    if ((int)strlen(line) > width) line[width] = 0;
    int written = (int)strlen(line);
    fprintf(p->out, "\r%s%*s", line, p->width > written ? p->width - written : 0, "");
    fflush(p->out);
    p->width = written;
    p->drawn = time;
}

void cli_progress_note(cli_progress *p, const char *text) {
    clear(p);
    fprintf(p->out, "%s\n", text);
    fflush(p->out);
}

static void print_epoch(cli_progress *p, const fv_event *event) {
    char line[512];
    if (!p->epochs) return;
    clear(p);
    snprintf(line, sizeof line, "epoch %" PRId64 "/%" PRId64, event->epoch, event->epochs);
    add_metrics(line, sizeof line, event);
    size_t length = strlen(line);
    snprintf(line + length, sizeof line - length, "  %.1f s%s", event->seconds, event->best ? "  best" : "");
    fprintf(p->out, "%s\n", line);
    fflush(p->out);
}

void cli_progress_event(cli_progress *p, const fv_event *event) {
    if (event->kind == FV_EVENT_STEP)
        draw_step(p, event);
    else if (event->kind == FV_EVENT_EPOCH)
        print_epoch(p, event);
}

void cli_progress_end(cli_progress *p) {
    clear(p);
    fflush(p->out);
}
