/* layout.h - pictures from DOT text, by Graphviz's library where the program was built with it. */
#ifndef FV_CLI_LAYOUT_H
#define FV_CLI_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

/* Was the program built with Graphviz? */
bool cli_can_layout(void);

enum { CLI_PROBLEM = 256 };

/* Lays the graph out and writes the picture ("svg", "png", "pdf": what the installed Graphviz can) to the file. False and one
 * line in `problem` if that fails; nothing is written then. */
bool cli_layout(const char *dot, const char *format, const char *path, char problem[CLI_PROBLEM]);

#endif
