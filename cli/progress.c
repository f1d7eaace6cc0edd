/* progress.c - a training as it goes. */
#include "progress.h"

#include <inttypes.h>
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

cli_progress cli_progress_begin(FILE *out) { return (cli_progress){.out = out, .terminal = isatty(fileno(out))}; }

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

/* epoch 1/5 [#####-----]  loss 0.123  accuracy 96.20%  4 s left */
static void draw_step(cli_progress *p, const fv_event *event) {
    enum { BAR = 20 };
    double time = now();
    bool last = event->step == event->steps;
    if (!p->terminal || (time - p->drawn < between && !last)) return;
    char line[512], bar[BAR + 1];
    int done = (int)(event->step * BAR / event->steps);
    for (int i = 0; i < BAR; i++) bar[i] = i < done ? '#' : '-';
    bar[BAR] = 0;
    snprintf(line, sizeof line, "epoch %" PRId64 "/%" PRId64 " [%s]", event->epoch, event->epochs, bar);
    add_metrics(line, sizeof line, event);
    double left = event->seconds * (double)(event->steps - event->step) / (double)event->step;
    size_t length = strlen(line);
    if (!last) snprintf(line + length, sizeof line - length, "  %.0f s left", left);
    int width = columns(p) - 1;
    if ((int)strlen(line) > width) line[width] = 0;
    int written = (int)strlen(line);
    fprintf(p->out, "\r%s%*s", line, p->width > written ? p->width - written : 0, "");
    fflush(p->out);
    p->width = written;
    p->drawn = time;
}

static void print_epoch(cli_progress *p, const fv_event *event) {
    char line[512];
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
