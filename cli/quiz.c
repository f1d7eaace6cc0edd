/* quiz.c - the lectures' quiz about any network: shapes, what a cell sees, and where the weights and the work are. Everything
 * asked follows from the summary; the working is put together from its numbers. */
#include "quiz.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common.h"

enum { LINE = 1024, QUESTIONS = 8, NUMBERS = FV_MAX_RANK };

typedef enum answer_kind { SHAPE, NUMBER, LAYER } answer_kind;

typedef struct question {
    answer_kind kind;
    char text[LINE], working[2 * LINE];
    int64_t numbers[NUMBERS]; /* SHAPE, NUMBER */
    int count;
    int64_t most; /* LAYER: any row that has as much is right */
    bool of_macs; /* LAYER: of multiply-adds, else of parameters */
} question;

typedef struct quiz {
    const fv_summary *summary;
    int rows;
    question asked[QUESTIONS];
    int count;
} quiz;

static const fv_layer *row(const quiz *q, int i) { return fv_summary_layer(q->summary, i); }

/* ---- what to ask about ------------------------------------------------------------------------------------------ */

static int64_t jump_before(const quiz *q, const fv_layer *layer) {
    return layer->from < 0 ? 1 : row(q, layer->from)->jump;
}

static int64_t field_before(const quiz *q, const fv_layer *layer) {
    return layer->from < 0 ? 1 : row(q, layer->from)->receptive_field;
}

/* Cells further apart, and no products: pooling of any kind. */
static bool pools(const quiz *q, const fv_layer *layer) {
    return !layer->macs && layer->jump && layer->jump > jump_before(q, layer);
}

static bool convolves(const quiz *q, const fv_layer *layer) {
    (void)q;
    return layer->macs && layer->receptive_field && layer->jump;
}

static bool multiplies(const quiz *q, const fv_layer *layer) {
    (void)q;
    return layer->macs != 0;
}

typedef bool (*property)(const quiz *q, const fv_layer *layer);

/* The second row of that property, else the first, else -1; *which is 2 or 1. */
static int second(const quiz *q, property is, int *which) {
    int found = -1;
    *which = 0;
    for (int i = 0; i < q->rows && *which < 2; i++) {
        if (!is(q, row(q, i))) continue;
        found = i;
        ++*which;
    }
    return found;
}

static int last(const quiz *q, property is) {
    int found = -1;
    for (int i = 0; i < q->rows; i++)
        if (is(q, row(q, i))) found = i;
    return found;
}

static int64_t amount(const fv_layer *layer, bool macs) { return macs ? layer->macs : layer->parameters; }

static int most(const quiz *q, bool macs) {
    int found = -1;
    for (int i = 0; i < q->rows; i++)
        if (amount(row(q, i), macs) > (found < 0 ? 0 : amount(row(q, found), macs))) found = i;
    return found;
}

/* ---- working in numbers ----------------------------------------------------------------------------------------- */

static void add(char *text, size_t size, const char *format, ...) FV_PRINTF(3, 4);
static void add(char *text, size_t size, const char *format, ...) {
    size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, size - length, format, arguments);
    va_end(arguments);
}

/* "28x28x1": one sample */
static const char *sample(const fv_shape *shape, char out[128]) {
    fv_shape_text(shape, out, 128);
    return strncmp(out, "Nx", 2) == 0 ? out + 2 : out;
}

/* The rows from the net's input to row `last`, the nearest to the input first. Returns how many. */
static int path_to(const quiz *q, int end, int *path, int room) {
    int count = 0;
    for (int i = end; i >= 0 && count < room; i = row(q, i)->from) path[count++] = i;
    for (int i = 0; i < count / 2; i++) {
        int swapped = path[i];
        path[i] = path[count - 1 - i];
        path[count - 1 - i] = swapped;
    }
    return count;
}

/* The number behind "padding=" if there is a single one; 0 without the field, -1 for words and several. */
static int64_t padding_of(const fv_layer *layer) {
    const char *found = strstr(layer->detail, "padding=");
    char *end;
    if (!found || (found != layer->detail && found[-1] != ' ')) return found ? -1 : 0;
    long long n = strtoll(found + 8, &end, 10);
    return end == found + 8 || (*end && *end != ' ') ? -1 : n;
}

/* "conv1: (28 + 2*2 - 5)/1 + 1 = 28", as far as the summary's numbers tell it: rows in and out, extent and stride from the
 * receptive field. False where they do not (words for padding, rounding up, other sizes in the other direction). */
static bool explain_rows(const quiz *q, const fv_layer *layer, char *out, size_t size) {
    int64_t jump = jump_before(q, layer), padding = padding_of(layer);
    if (layer->input.rank < 3 || layer->output.rank != layer->input.rank || !layer->jump || jump < 1) return false;
    int64_t in = layer->input.dim[1], rows = layer->output.dim[1], stride = layer->jump / jump;
    int64_t extent = 1 + (layer->receptive_field - field_before(q, layer)) / jump;
    if (padding < 0 || stride < 1 || in + 2 * padding < extent) return false;
    if ((in + 2 * padding - extent) / stride + 1 != rows) return false;
    bool even = (in + 2 * padding - extent) % stride == 0;
    add(out, size, "%s: %s(%" PRId64, layer->name, even ? "" : "floor(", in);
    if (padding) add(out, size, " + 2*%" PRId64, padding);
    add(out, size, " - %" PRId64 ")/%" PRId64 "%s + 1 = %" PRId64, extent, stride, even ? "" : ")", rows);
    return true;
}

static bool same_rows(const fv_layer *layer) {
    return layer->input.rank == layer->output.rank && layer->input.rank > 1 &&
           layer->input.dim[1] == layer->output.dim[1];
}

static void explain_shape(const quiz *q, int end, char *out, size_t size) {
    int path[64] = {end}, count = path_to(q, end, path, 64);
    char shape[128];
    out[0] = 0;
    if (row(q, path[0])->from < 0) add(out, size, "%s", sample(&row(q, path[0])->input, shape));
    for (int i = 0; i < count; i++) {
        const fv_layer *layer = row(q, path[i]);
        if (fv_shape_equal(&layer->input, &layer->output)) continue;
        add(out, size, " -> %s", sample(&layer->output, shape));
    }
    for (int i = 0; i < count; i++) {
        const fv_layer *layer = row(q, path[i]);
        char rule[LINE] = "";
        if (layer->receptive_field > field_before(q, layer) && (!same_rows(layer) || padding_of(layer) > 0) &&
            explain_rows(q, layer, rule, sizeof rule))
            add(out, size, "\n%s", rule);
    }
}

/* 1 + (5-1)*1 + (2-1)*1 + ...: every layer adds its extent less one, times the jump before it. */
static void explain_field(const quiz *q, int end, char *out, size_t size) {
    int path[512] = {end}, count = path_to(q, end, path, 512);
    out[0] = 0;
    if (row(q, path[0])->from >= 0) return; /* too deep to be told */
    add(out, size, "1");
    for (int i = 0; i < count; i++) {
        const fv_layer *layer = row(q, path[i]);
        int64_t jump = jump_before(q, layer), grown = layer->receptive_field - field_before(q, layer);
        if (!grown) continue;
        if (jump < 1 || grown % jump) {
            out[0] = 0;
            return;
        }
        add(out, size, " + (%" PRId64 "-1)*%" PRId64, grown / jump + 1, jump);
    }
    add(out, size, " = %" PRId64 ": each layer adds its extent less one, times the distance of the cells it reads",
        row(q, end)->receptive_field);
    if (strlen(out) > 300) out[0] = 0;
}

/* Of the numbers in "5x5x1x6"; 0 where that is too much. */
static int64_t product(const char *text, size_t length) {
    int64_t result = 1;
    for (const char *s = text, *end = text + length; s < end;) {
        char *behind = (char *)s + 1;
        int64_t n = isdigit((unsigned char)*s) ? strtoll(s, &behind, 10) : 1;
        if (n < 1 || result > INT64_MAX / n) return 0;
        result *= n;
        s = behind;
    }
    return result;
}

/* "24x24 cells, each 5x5x1x6 weights" where that gives the number: every weight of the first tensor at every cell. */
static void explain_macs(const fv_layer *layer, char *out, size_t size) {
    size_t first = strcspn(layer->working, " ");
    int64_t cells = 1;
    char number[32];
    out[0] = 0;
    for (int d = 1; d + 1 < layer->output.rank; d++) cells *= layer->output.dim[d];
    if (!first || first > 40 || cells < 1) return;
    int64_t weights = product(layer->working, first);
    if (weights < 1 || cells > INT64_MAX / weights || cells * weights != layer->macs) return;
    if (cells > 1) {
        for (int d = 1; d + 1 < layer->output.rank; d++)
            add(out, size, "%s%" PRId64, d > 1 ? "x" : "", layer->output.dim[d]);
        add(out, size, " cells, each ");
    }
    add(out, size, "%.*s = %s", (int)first, layer->working, cli_grouped(layer->macs, number));
}

/* ---- questions -------------------------------------------------------------------------------------------------- */

static question *ask(quiz *q, answer_kind kind) {
    question *new = &q->asked[q->count++];
    *new = (question){.kind = kind};
    return new;
}

static void ask_shape(quiz *q) {
    int which, i = second(q, pools, &which);
    const char *what = which == 2 ? "the second pooling" : "the only pooling";
    if (i < 0) {
        i = second(q, convolves, &which);
        what = which == 2 ? "the second convolution" : "the only convolution";
    }
    if (i < 0) {
        i = q->rows - 1;
        what = "the last layer";
    }
    const fv_layer *layer = row(q, i);
    question *new = ask(q, SHAPE);
    snprintf(new->text, LINE, "What shape has one sample behind %s (%s)?", layer->name, what);
    for (int d = layer->output.rank && layer->output.dim[0] == FV_BATCH; d < layer->output.rank; d++)
        new->numbers[new->count++] = layer->output.dim[d];
    explain_shape(q, i, new->working, sizeof new->working);
}

static void ask_field(quiz *q, int i, const char *what) {
    question *new = ask(q, NUMBER);
    snprintf(new->text, LINE, "How many rows of the input does one cell behind %s (%s) see?", row(q, i)->name, what);
    new->numbers[new->count++] = row(q, i)->receptive_field;
    explain_field(q, i, new->working, sizeof new->working);
}

static bool has_cells(const quiz *q, const fv_layer *layer) {
    (void)q;
    return layer->receptive_field && layer->jump;
}

/* Without convolutions a unit sees all that its layer reads. */
static void ask_fields(quiz *q) {
    int which, i = second(q, convolves, &which), end = last(q, has_cells);
    char shape[128];
    if (i >= 0) {
        ask_field(q, i, which == 2 ? "the second convolution" : "the only convolution");
        if (row(q, end)->receptive_field != row(q, i)->receptive_field)
            ask_field(q, end, "the last layer with cells side by side");
        return;
    }
    i = second(q, multiplies, &which);
    if (i < 0) return;
    question *new = ask(q, NUMBER);
    snprintf(new->text, LINE, "How many numbers does one unit of %s read?", row(q, i)->name);
    new->numbers[new->count++] = fv_shape_count(&row(q, i)->input);
    snprintf(new->working, sizeof new->working, "its input has the shape %s", sample(&row(q, i)->input, shape));
}

static void ask_most(quiz *q, bool macs) {
    int i = most(q, macs);
    fv_layer total = fv_summary_total(q->summary);
    char own[32], all[32];
    if (i < 0) return;
    question *new = ask(q, LAYER);
    new->of_macs = macs;
    new->most = amount(row(q, i), macs);
    snprintf(new->text, LINE,
             macs ? "Which layer is the most expensive, in multiply-adds?" : "Which layer has the most parameters?");
    snprintf(new->working, sizeof new->working, "%s of %s %s, %.0f%%", cli_grouped(new->most, own),
             cli_grouped(amount(&total, macs), all), macs ? "multiply-adds" : "parameters",
             100.0 * (double)new->most / (double)amount(&total, macs));
}

static void ask_counts(quiz *q) {
    int which, i = second(q, convolves, &which);
    if (i < 0) i = second(q, multiplies, &which);
    if (i < 0) return;
    const fv_layer *layer = row(q, i);
    if (layer->parameters) {
        question *new = ask(q, NUMBER);
        snprintf(new->text, LINE, "How many parameters has %s (%s %s)?", layer->name, layer->op, layer->detail);
        new->numbers[new->count++] = layer->parameters;
        snprintf(new->working, sizeof new->working, "%s", layer->working);
    }
    question *new = ask(q, NUMBER);
    snprintf(new->text, LINE, "And how many multiply-adds does it take?");
    if (!layer->parameters) snprintf(new->text, LINE, "How many multiply-adds does %s take?", layer->name);
    new->numbers[new->count++] = layer->macs;
    explain_macs(layer, new->working, sizeof new->working);
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

static void tell_answer(const quiz *q, const question *asked, char *out, size_t size) {
    char number[32];
    out[0] = 0;
    if (asked->kind == NUMBER) add(out, size, "%s", cli_grouped(asked->numbers[0], number));
    for (int i = 0; asked->kind == SHAPE && i < asked->count; i++)
        add(out, size, "%s%" PRId64, i ? "x" : "", asked->numbers[i]);
    for (int i = 0; asked->kind == LAYER && i < q->rows; i++)
        if (amount(row(q, i), asked->of_macs) == asked->most && strlen(out) < 200)
            add(out, size, "%s%s", out[0] ? " or " : "", row(q, i)->name);
}

/* The whole numbers in a text, whatever stands between them; -1 if there are more than `room`. */
static int read_numbers(const char *text, int64_t *numbers, int room) {
    int count = 0;
    for (const char *s = text; *s;) {
        if (!isdigit((unsigned char)*s)) {
            s++;
            continue;
        }
        if (count == room) return -1;
        char *behind;
        numbers[count++] = strtoll(s, &behind, 10);
        s = behind;
    }
    return count;
}

/* "93,322", "93 322" and "93_322" are one number; so is each of several that are equal, "10x10". */
static bool is_number(const char *text, int64_t expected) {
    int64_t numbers[NUMBERS], whole = 0;
    int count = read_numbers(text, numbers, NUMBERS);
    bool equal = count > 0 && !strchr(text, '-'), grouped = true;
    for (int i = 0; i < count; i++) equal = equal && numbers[i] == expected;
    for (const char *s = text; *s; s++) {
        if (isdigit((unsigned char)*s))
            whole = whole > INT64_MAX / 10 - 9 ? -1 : whole * 10 + (*s - '0');
        else
            grouped = grouped && strchr(", _'", *s);
        if (whole < 0) return false;
    }
    return equal || (count > 0 && grouped && whole == expected);
}

/* The name, or its last part; case and blanks do not matter. */
static bool is_name(const char *text, const char *name) {
    const char *dot = strrchr(name, '.');
    char bare[LINE];
    size_t length = 0;
    for (const char *s = text; *s && length + 1 < sizeof bare; s++)
        if (!isspace((unsigned char)*s)) bare[length++] = *s;
    bare[length] = 0;
    return !strcasecmp(bare, name) || (dot && !strcasecmp(bare, dot + 1));
}

static bool is_right(const quiz *q, const question *asked, const char *text) {
    int64_t numbers[NUMBERS];
    if (asked->kind == NUMBER) return is_number(text, asked->numbers[0]);
    if (asked->kind == SHAPE)
        return read_numbers(text, numbers, NUMBERS) == asked->count &&
               !memcmp(numbers, asked->numbers, (size_t)asked->count * sizeof *numbers);
    for (int i = 0; i < q->rows; i++)
        if (amount(row(q, i), asked->of_macs) == asked->most && is_name(text, row(q, i)->name)) return true;
    return false;
}

/* ---- the quiz --------------------------------------------------------------------------------------------------- */

static void print_working(const char *working) {
    while (*working) {
        int length = (int)strcspn(working, "\n");
        printf("   %.*s\n", length, working);
        working += length + (working[length] == '\n');
    }
}

/* A line without its end; false at the end of the input. What does not fit is dropped. */
static bool read_line(char *line, size_t size) {
    if (!fgets(line, (int)size, stdin)) return false;
    size_t length = strcspn(line, "\n");
    for (int c = line[length] ? '\n' : getchar(); c != '\n' && c != EOF; c = getchar()) continue;
    line[length] = 0;
    if (!isatty(STDIN_FILENO)) printf("%s\n", line); /* so that the record of a quiz from a file can be read */
    return true;
}

static void play(const quiz *q) {
    char line[LINE], answer[LINE];
    int right = 0, asked = 0;
    printf("%d questions; q ends.\n", q->count);
    for (int i = 0; i < q->count; i++) {
        const question *now = &q->asked[i];
        printf("\n%d. %s\n   > ", i + 1, now->text);
        fflush(stdout);
        if (!read_line(line, sizeof line)) {
            putchar('\n');
            break;
        }
        if (is_name(line, "q") || is_name(line, "quit")) break;
        asked++;
        bool good = is_right(q, now, line);
        right += good;
        tell_answer(q, now, answer, sizeof answer);
        printf("   %s%s\n", good ? "Right: " : "No: ", answer);
        print_working(now->working);
    }
    printf("\n%d of %d right%s\n", right, asked, asked < q->count ? ", the rest not asked." : ".");
}

static void print_answers(const quiz *q) {
    char answer[LINE];
    for (int i = 0; i < q->count; i++) {
        tell_answer(q, &q->asked[i], answer, sizeof answer);
        printf("%s%d. %s\n   %s\n", i ? "\n" : "", i + 1, q->asked[i].text, answer);
        print_working(q->asked[i].working);
    }
}

int cli_quiz(const cli_call *call, const fv_summary *summary, bool answers) {
    quiz *q = calloc(1, sizeof *q);
    if (!q) return cli_fail_text(call, "not enough memory for the quiz");
    q->summary = summary;
    q->rows = fv_summary_count(summary);
    int status = CLI_GOOD;
    for (int i = 0; i < q->rows && !status; i++)
        for (int d = 0; d < row(q, i)->output.rank && !status; d++)
            if (row(q, i)->output.dim[d] == FV_OPEN)
                status = cli_fail_text(call, "the sizes of this net are open: say one with --input, such as 224x224x3");
    if (!q->rows) status = cli_fail_text(call, "a net without layers leaves nothing to ask");
    if (!status) {
        ask_shape(q);
        ask_fields(q);
        ask_counts(q);
        ask_most(q, true);
        ask_most(q, false);
        if (answers)
            print_answers(q);
        else
            play(q);
    }
    free(q);
    return status;
}
