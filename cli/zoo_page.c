/* zoo_page.c - docs/zoo.md. Who, when, what was new and where it was published stand in the comments of the networks' files,
 * everything else is counted: nothing is written twice. */
#include "zoo_page.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

typedef struct entry {
    const char *name, *text;
    int year; /* the first in the comment; a large one where there is none */
} entry;

enum { NO_YEAR = 9999 };

int cli_comment_line(const char *text, int number, const char **line) {
    for (; number > 0 && *text == '#'; number--) {
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    if (*text != '#') return 0;
    *line = text + 1 + (text[1] == ' ');
    return (int)strcspn(*line, "\n");
}

/* ---- what the comment says -------------------------------------------------------------------------------------- */

/* Four digits of this century or the last, alone. */
static int year_of(const char *text) {
    const char *line;
    for (int k = 0, n; (n = cli_comment_line(text, k, &line)) > 0; k++) {
        for (int i = 0; i + 4 <= n; i++) {
            if (i && (isalnum((unsigned char)line[i - 1]) || strchr(".,:", line[i - 1]))) continue;
            if (strncmp(line + i, "19", 2) != 0 && strncmp(line + i, "20", 2) != 0) continue;
            if (strspn(line + i, "0123456789") == 4) return atoi(line + i);
        }
    }
    return NO_YEAR;
}

/* Text of the comment as Markdown text: nothing in it is markup. */
static void print_plain(const char *text, int length) {
    for (int i = 0; i < length; i++) {
        if (strchr("\\`*_<>[]#|", text[i])) putchar('\\');
        putchar(text[i]);
    }
}

/* "arXiv:1512.03385" becomes a link. */
static void print_reference(const char *text, int length) {
    const char *found = strstr(text, "arXiv:");
    if (!found || found >= text + length) {
        print_plain(text, length);
        return;
    }
    int before = (int)(found - text), number = (int)strspn(found + 6, "0123456789.");
    while (number && found[6 + number - 1] == '.') number--;
    print_plain(text, before);
    printf("[arXiv:%.*s](https://arxiv.org/abs/%.*s)", number, found + 6, number, found + 6);
    print_plain(found + 6 + number, length - before - 6 - number);
}

static const char paper[] = "Paper: ";

static void print_comment(const char *text) {
    const char *line;
    for (int k = 0, n; (n = cli_comment_line(text, k, &line)) > 0; k++) {
        if (strncmp(line, paper, sizeof paper - 1) == 0) {
            printf("%s*", k ? "\n" : "");
            print_reference(line + sizeof paper - 1, n - (int)sizeof paper + 1);
            printf("*\n");
        } else {
            print_plain(line, n);
            putchar('\n');
        }
    }
}

/* ---- what is counted -------------------------------------------------------------------------------------------- */

static const char *sample(const fv_shape *shape, char out[128]) {
    fv_shape_text(shape, out, 128);
    return strncmp(out, "Nx", 2) == 0 ? out + 2 : out;
}

static const char *input_of(const fv_summary *summary, char out[128]) {
    for (int i = 0; i < fv_summary_count(summary); i++) {
        const fv_layer *layer = fv_summary_layer(summary, i);
        if (layer->from < 0) return sample(&layer->input, out);
    }
    return "-";
}

static int layers_with_weights(const fv_summary *summary) {
    int count = 0;
    /* While sizes are open the multiply-adds are not known, but a weight of several dimensions ("3x3x1x8") is. */
    for (int i = 0; i < fv_summary_count(summary); i++) {
        const fv_layer *layer = fv_summary_layer(summary, i);
        count += layer->macs != 0 || strchr(layer->working, 'x') != NULL;
    }
    return count;
}

/* How far a cell sees before the cells come to an end. */
static int64_t sight(const fv_summary *summary) {
    int64_t widest = 0;
    for (int i = 0; i < fv_summary_count(summary); i++) {
        const fv_layer *layer = fv_summary_layer(summary, i);
        if (layer->jump && layer->receptive_field > widest) widest = layer->receptive_field;
    }
    return widest;
}

static void print_row(const entry *e, const fv_summary *summary) {
    fv_layer total = fv_summary_total(summary);
    char input[128], output[128], parameters[32], macs[32], field[32] = "";
    if (sight(summary)) cli_grouped(sight(summary), field);
    printf("| [%s](#%s) | ", e->name, e->name);
    if (e->year != NO_YEAR) printf("%d", e->year);
    printf(" | %s | %s | %d | %s | %s | %s |\n", input_of(summary, input), sample(&total.output, output),
           layers_with_weights(summary), cli_grouped(total.parameters, parameters),
           total.macs ? cli_short(total.macs, macs) : "", field);
}

static void print_section(const entry *e) {
    printf("\n## %s\n\n", e->name);
    print_comment(e->text);
    printf("\n[file](../zoo/%s.net) \xc2\xb7 `fovea summary %s` \xc2\xb7 `fovea draw %s`\n", e->name, e->name, e->name);
    printf("\n<details><summary>picture</summary>\n\n![%s](pictures/%s.svg)\n\n</details>\n", e->name, e->name);
}

/* ---- the page --------------------------------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b) {
    const entry *x = a, *y = b;
    return x->year != y->year ? (x->year > y->year) - (x->year < y->year) : strcmp(x->name, y->name);
}

static int print_table(const cli_call *call, const entry *entries, int count) {
    printf("| network | year | input | output | layers | parameters | multiply-adds | sees |\n"
           "| --- | --- | --- | --- | --: | --: | --: | --: |\n");
    for (int i = 0; i < count; i++) {
        fv_error error = {0};
        fv_net *net = fv_net_parse(entries[i].text, entries[i].name, NULL, 0, &error);
        fv_summary *summary = net ? fv_summarize(net, NULL, &error) : NULL;
        if (summary) print_row(&entries[i], summary);
        fv_summary_free(summary);
        fv_net_free(net);
        if (!summary) return cli_fail(call, &error);
    }
    return CLI_GOOD;
}

int cli_zoo_page(const cli_call *call) {
    int count = fv_zoo_count();
    entry *entries = calloc((size_t)count + 1, sizeof *entries);
    if (!entries) return cli_fail_text(call, "not enough memory for the page");
    for (int i = 0; i < count; i++) {
        entries[i] = (entry){.name = fv_zoo_name(i), .text = fv_zoo_text(fv_zoo_name(i))};
        entries[i].year = year_of(entries[i].text);
    }
    qsort(entries, (size_t)count, sizeof *entries, by_time);
    printf("# The zoo\n\n"
           "The networks that the program carries, in the order of time: each a text file of one screen. *Layers* are "
           "those that\n"
           "multiply, *sees* is how many rows of the input one cell sees before the cells come to an end; "
           "multiply-adds are missing\n"
           "where the pictures decide the sizes. `fovea zoo NAME` prints a network, `fovea summary NAME` what it costs "
           "layer by\n"
           "layer, `fovea summary NAME --quiz` asks about it.\n\n"
           "*Made by `scripts/zoo_page.sh` from the files in `zoo/`: change those.*\n\n");
    int status = print_table(call, entries, count);
    for (int i = 0; i < count && !status; i++) print_section(&entries[i]);
    free(entries);
    return status;
}
