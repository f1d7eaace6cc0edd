/* zoo_page.h - the page about the networks that the program carries. */
#ifndef FV_CLI_ZOO_PAGE_H
#define FV_CLI_ZOO_PAGE_H

#include "command.h"

/* The zoo as Markdown on standard output, in the order of time: what each file says of itself, and what it costs. */
int cli_zoo_page(const cli_call *call);

/* The comment's line `number` (from 0) of a network's text without its mark: its length, 0 behind the last. */
int cli_comment_line(const char *text, int number, const char **line);

#endif
