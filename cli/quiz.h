/* quiz.h - the lectures' quiz about any network. */
#ifndef FV_CLI_QUIZ_H
#define FV_CLI_QUIZ_H

#include "command.h"

/* Asks on standard output, reads answers from standard input and tells the score; with `answers` prints questions, answers and
 * the working in numbers instead. */
int cli_quiz(const cli_call *call, const fv_summary *summary, bool answers);

#endif
