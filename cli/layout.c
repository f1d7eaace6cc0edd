/* layout.c - the one place that knows Graphviz. Its library reports on stderr, in pieces; here they become one line. */
#include "layout.h"

#ifndef FOVEA_GRAPHVIZ

bool cli_can_layout(void) { return false; }

bool cli_layout(const char *dot, const char *format, const char *path, char problem[CLI_PROBLEM]) {
    (void)dot, (void)format, (void)path;
    problem[0] = 0;
    return false;
}

#else

#include <errno.h>
#include <graphviz/gvc.h>
#include <stdio.h>
#include <string.h>

bool cli_can_layout(void) { return true; }

static char said[CLI_PROBLEM]; /* the library's callback has no argument to hand this over */

static int hear(char *text) {
    size_t length = strlen(said);
    for (; *text && length + 1 < sizeof said; text++)
        if (*text != '\n' || length) said[length++] = *text == '\n' ? ' ' : *text;
    said[length] = 0;
    return 0;
}

/* What Graphviz said, else `otherwise`. */
static bool fail(char problem[CLI_PROBLEM], const char *otherwise) {
    size_t length = strlen(said);
    while (length && said[length - 1] == ' ') said[--length] = 0;
    snprintf(problem, CLI_PROBLEM, "%s", length ? said : otherwise);
    return false;
}

static bool write_file(const char *path, const char *data, size_t size, char problem[CLI_PROBLEM]) {
    FILE *file = fopen(path, "wb");
    bool good = file && fwrite(data, 1, size, file) == size;
    int reason = errno;
    if (file && fclose(file)) good = false, reason = errno;
    if (!good) {
        if (file) remove(path);
        snprintf(problem, CLI_PROBLEM, "%s", strerror(reason));
    }
    return good;
}

static bool render(GVC_t *context, Agraph_t *graph, const char *format, const char *path, char problem[CLI_PROBLEM]) {
    char *data = NULL;
    unsigned size = 0;
    if (gvLayout(context, graph, "dot")) return fail(problem, "the layout failed");
    bool good = gvRenderData(context, graph, format, &data, &size) == 0 && data && size;
    good = good ? write_file(path, data, size, problem) : fail(problem, "the picture could not be made");
    if (data) gvFreeRenderData(data);
    gvFreeLayout(context, graph);
    return good;
}

bool cli_layout(const char *dot, const char *format, const char *path, char problem[CLI_PROBLEM]) {
    bool good = false;
    said[0] = 0;
    agseterr(AGERR); /* warnings are about fonts: the picture is made all the same */
    agseterrf(hear);
    GVC_t *context = gvContext();
    Agraph_t *graph = context ? agmemread(dot) : NULL;
    if (graph)
        good = render(context, graph, format, path, problem);
    else
        fail(problem, "the graph could not be read");
    if (graph) agclose(graph);
    if (context) gvFreeContext(context);
    return good;
}

#endif
