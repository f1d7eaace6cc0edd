/* cmd_predict.c - fovea predict: what a model says to pictures and samples. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"
#include "drawing.h"

typedef struct options {
    bool json, show, skip_bad, exact, bf16, invert;
    int64_t top, data_seed, threads;
    const char *isa, *tta, *show_input;
} options;

static const cli_option list[] = {
    {"top", 'k', CLI_WHOLE, offsetof(options, top), "K", "guesses to show; default 3", 1, 1000},
    {"show", 's', CLI_FLAG, offsetof(options, show), NULL, "draw the pictures, also several and not on a terminal", 0,
     0},
    {"show-input", 0, CLI_TEXT, offsetof(options, show_input), "OUT.png",
     "a picture of what the net sees (of one input)", 0, 0},
    {"invert", 0, CLI_FLAG, offsetof(options, invert), NULL, "turn light and dark around, for black on white", 0, 0},
    CLI_DATA_SEED(options),
    {"skip-bad", 0, CLI_FLAG, offsetof(options, skip_bad), NULL, "go on behind files that cannot be read", 0, 0},
    CLI_TTA(options),
    CLI_THREADS(options),
    CLI_ISA(options),
    CLI_EXACT(options),
    CLI_BF16(options),
    CLI_JSON(options)};

/* One thing to predict. */
typedef struct question {
    const char *name;
    fv_tensor picture; /* raw; no data if it could not be read as one */
    int64_t truth;     /* class number, -1 if not known */
    const char *truth_name;
    fv_tensor answer;
    char *doubt; /* how it is unlike the training's pictures, or NULL */
} question;

/* A data set that stays open while the samples come from it. */
typedef struct source {
    char *spec;
    fv_data *data;
} source;

/* ---- samples of a set ------------------------------------------------------------------------------------------- */

/* "DATA:part:7" -> "DATA:part" and 7; NULL if it does not end in a number. */
static char *split_index(const char *text, int64_t *index) {
    const char *colon = strrchr(text, ':');
    char *end;
    if (!colon || colon == text || !colon[1]) return NULL;
    errno = 0;
    *index = strtoll(colon + 1, &end, 10);
    return *end || errno || *index < 0 ? NULL : strndup(text, (size_t)(colon - text));
}

static bool is_file(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

/* Reads the raw sample for the drawing and the right answer. */
static fv_status read_sample(fv_data *data, int64_t index, question *q, fv_error *error) {
    void *out[16] = {0};
    int count = fv_data_field_count(data), picture = -1, truth = -1;
    fv_status status = FV_OK;
    for (int i = 0; i < count && i < 16 && !status; i++) {
        const fv_data_field *f = fv_data_field_at(data, i);
        fv_tensor room = fv_tensor_new(f->dtype, &f->shape);
        out[i] = room.data;
        if (!room.data) status = FV_E_MEMORY;
        if (!f->target && picture < 0) picture = i, q->picture = room;
        if (f->target && f->shape.rank == 0 && (f->dtype == FV_I32 || f->dtype == FV_U8)) truth = i;
    }
    if (status && error) snprintf(error->message, sizeof error->message, "not enough memory for a sample");
    if (!status) status = fv_data_read(data, index, out, error);
    if (!status && truth >= 0) {
        q->truth = fv_data_field_at(data, truth)->dtype == FV_I32 ? *(int32_t *)out[truth] : *(uint8_t *)out[truth];
        if (q->truth < fv_data_class_count(data)) q->truth_name = fv_data_class_name(data, (int)q->truth);
    }
    for (int i = 0; i < 16; i++)
        if (i != picture || status) fv_free(out[i]);
    if (status) q->picture.data = NULL;
    return status;
}

static fv_predict_options wish_of(const options *o, question *q) {
    return (fv_predict_options){.size = sizeof(fv_predict_options),
                                .exact = o->exact,
                                .bf16 = o->bf16,
                                .tta = o->tta,
                                .invert = o->invert,
                                .show_input = o->show_input,
                                .doubt = &q->doubt};
}

static fv_status ask_sample(const cli_call *call, fv_model *model, source *s, question *q, fv_error *error) {
    const options *o = call->options;
    int64_t index;
    char *spec = split_index(q->name, &index);
    if (!spec) {
        *error = (fv_error){.status = FV_E_FILE};
        snprintf(error->message, sizeof error->message, "'%s' is neither a picture file nor a sample (DATA:NUMBER)",
                 q->name);
        return error->status;
    }
    if (!s->spec || strcmp(s->spec, spec) != 0) {
        fv_data_free(s->data);
        free(s->spec);
        s->spec = spec;
        fv_data_options options = {.size = sizeof options, .seed = (uint64_t)cli_number(o->data_seed)};
        fv_data_options_for_model(&options, model);
        s->data = cli_open_data(call, spec, true, &options, error);
    } else {
        free(spec);
    }
    if (!s->data) return error->status ? error->status : FV_E_FILE;
    if (index >= fv_data_count(s->data)) {
        *error = (fv_error){.status = FV_E_ARGUMENT};
        snprintf(error->message, sizeof error->message, "%s: there are %lld samples, counted from 0", q->name,
                 (long long)fv_data_count(s->data));
        return error->status;
    }
    fv_predict_options wish = wish_of(o, q);
    fv_status status = fv_predict_with(model, s->data, index, 1, &q->answer, error, &wish);
    return status ? status : read_sample(s->data, index, q, error);
}

/* A single picture is drawn on a terminal. */
static bool draws(const cli_call *call) {
    const options *o = call->options;
    return !o->json && (o->show || (call->count == 2 && isatty(STDOUT_FILENO)));
}

/* ---- telling ---------------------------------------------------------------------------------------------------- */

static const char *class_name(const fv_model *model, int64_t i, char number[32]) {
    if (i < fv_model_class_count(model)) return fv_model_class_name(model, (int)i);
    snprintf(number, 32, "%lld", (long long)i);
    return number;
}

/* The index of the largest of `count` numbers that is not taken. */
static int64_t next_best(const float *x, int64_t count, const bool *taken) {
    int64_t best = -1;
    for (int64_t i = 0; i < count; i++)
        if (!taken[i] && (best < 0 || x[i] > x[best])) best = i;
    return best;
}

/* Indices of the `top` largest numbers. */
static int64_t order(const float *x, int64_t count, int64_t top, int64_t *out) {
    bool *taken = calloc((size_t)count, 1);
    int64_t found = 0;
    for (; taken && found < top && found < count; found++) {
        out[found] = next_best(x, count, taken);
        taken[out[found]] = true;
    }
    free(taken);
    return found;
}

/* JSON is UTF-8, names of files are bytes: those that are none become question marks. */
static json_t *json_name(const char *name) {
    json_t *text = json_string(name);
    if (text) return text;
    char *plain = strdup(name);
    for (char *c = plain; c && *c; c++)
        if ((unsigned char)*c >= 0x80) *c = '?';
    text = json_string(plain ? plain : "?");
    free(plain);
    return text;
}

static json_t *json_answer(const fv_model *model, const question *q, const int64_t *best, int64_t count, bool classes) {
    const float *x = q->answer.data;
    char number[32];
    json_t *one = json_pack("{s:o}", "input", json_name(q->name));
    json_t *rows = json_array();
    if (q->doubt) json_object_set_new(one, "doubt", json_string(q->doubt));
    if (!classes) {
        for (int64_t i = 0; i < fv_shape_count(&q->answer.shape); i++)
            json_array_append_new(rows, cli_json_number(x[i]));
        json_object_set_new(one, "output", rows);
        return one;
    }
    for (int64_t i = 0; i < count; i++)
        json_array_append_new(rows, json_pack("{s:I, s:s, s:o}", "class", (json_int_t)best[i], "name",
                                              class_name(model, best[i], number), "probability",
                                              cli_json_number(x[best[i]])));
    json_object_set_new(one, "guesses", rows);
    if (q->truth >= 0) json_object_set_new(one, "truth", json_integer(q->truth));
    return one;
}

static void print_line(const fv_model *model, const question *q, const int64_t *best, int64_t count, bool classes) {
    const float *x = q->answer.data;
    char number[32];
    printf("%s", q->name);
    if (!classes) {
        int64_t all = fv_shape_count(&q->answer.shape);
        for (int64_t i = 0; i < all && i < 16; i++) printf("  %.6g", x[i]);
        printf("%s\n", all > 16 ? "  ..." : "");
        return;
    }
    for (int64_t i = 0; i < count; i++)
        printf("  %s %.1f%%", class_name(model, best[i], number), 100 * (double)x[best[i]]);
    if (q->truth >= 0) {
        snprintf(number, sizeof number, "%lld", (long long)q->truth);
        printf("  (is %s%s)", q->truth_name ? q->truth_name : number, count && best[0] == q->truth ? "" : ": wrong");
    }
    putchar('\n');
}

/* Probabilities of classes: a vector with a name for each number, or, where the model has no names, one that adds up to 1. */
static bool about_classes(const fv_model *model, const fv_tensor *answer) {
    int64_t count = fv_shape_count(&answer->shape);
    if (answer->dtype != FV_F32 || answer->shape.rank != 2 || count < 2) return false;
    if (fv_model_class_count(model)) return fv_model_class_count(model) == count;
    const float *x = answer->data;
    double sum = 0;
    bool shares = true;
    for (int64_t i = 0; i < count; i++) sum += (double)x[i], shares = shares && x[i] >= 0;
    return shares && sum > 0.999 && sum < 1.001;
}

static void print_json_line(json_t *one) {
    char *text = json_dumps(one, JSON_COMPACT | JSON_REAL_PRECISION(9));
    if (text) puts(text);
    free(text);
    json_decref(one);
}

/* At once, so that who reads along need not wait for the last one. */
static int tell(const cli_call *call, const fv_model *model, const question *q) {
    const options *o = call->options;
    int64_t top = o->top ? o->top : 3, count = fv_shape_count(&q->answer.shape);
    bool classes = about_classes(model, &q->answer);
    if (q->answer.dtype != FV_F32) return cli_fail_text(call, "%s: the net's output is no real numbers", q->name);
    int64_t *best = malloc((size_t)(top < count ? top : count) * sizeof *best + 1);
    if (!best) return cli_fail_text(call, "not enough memory");
    int64_t found = classes ? order(q->answer.data, count, top, best) : 0;
    if (q->doubt && !o->json) fprintf(stderr, "fovea predict: %s %s\n", q->name, q->doubt);
    if (o->json)
        print_json_line(json_answer(model, q, best, found, classes));
    else {
        if (q->picture.data && draws(call)) cli_draw(stdout, &q->picture, 56);
        print_line(model, q, best, found, classes);
    }
    fflush(stdout);
    free(best);
    return CLI_GOOD;
}

/* ---- the command ------------------------------------------------------------------------------------------------ */

/* The file is read once more where it is to be drawn. */
static fv_status ask_file(const cli_call *call, fv_predictor *predictor, question *q, fv_error *error) {
    fv_status status = fv_predictor_file(predictor, q->name, &q->answer, error);
    return status || !draws(call) ? status : fv_picture_read(q->name, &q->picture, error);
}

static int answer_all(const cli_call *call, fv_model *model) {
    const options *o = call->options;
    source s = {0};
    int status = CLI_GOOD, bad = 0;
    question q;
    fv_error error = {0};
    fv_predict_options wish = wish_of(o, &q);
    fv_predictor *predictor = fv_predictor_new_with(model, &error, &wish);
    if (!predictor) return cli_fail(call, &error);
    for (int i = 1; i < call->count && status == CLI_GOOD; i++) {
        q = (question){.name = call->operands[i], .truth = -1};
        error = (fv_error){0};
        fv_status failed =
            is_file(q.name) ? ask_file(call, predictor, &q, &error) : ask_sample(call, model, &s, &q, &error);
        if (failed)
            bad++, status = cli_fail(call, &error);
        else
            status = tell(call, model, &q);
        if (failed && o->skip_bad) status = CLI_GOOD;
        fv_free(q.answer.data);
        fv_free(q.picture.data);
        fv_free(q.doubt);
    }
    fv_predictor_free(predictor);
    fv_data_free(s.data);
    free(s.spec);
    if (bad && status == CLI_GOOD) {
        fprintf(stderr, "fovea predict: %d of %d left out\n", bad, call->count - 1);
        if (bad == call->count - 1) status = CLI_FAILED;
    }
    return status;
}

static int run(const cli_call *call) {
    const options *o = call->options;
    fv_error error = {0};
    if (o->show_input && call->count > 2)
        return cli_fail_text(call, "--show-input shows one input, there are %d", call->count - 1);
    if (cli_set_machine(call, o->isa, o->threads)) return CLI_FAILED;
    if (cli_check_products(call, o->exact, o->bf16)) return CLI_USAGE;
    fv_model *model = fv_model_load(call->operands[0], &error);
    if (!model) return cli_fail(call, &error);
    int status = answer_all(call, model);
    fv_model_free(model);
    return status;
}

const cli_command command_predict = {
    .name = "predict",
    .summary = "what a model says to pictures",
    .usage = "MODEL FILE|DATA:NUMBER ...",
    .examples = "fovea predict run picture.png                  a picture file (PNG, JPEG, PGM, PPM)\n"
                "fovea predict run digits:7                     sample 7 of the test part\n"
                "fovea predict run digits:train:7 a.png b.png   several: a line each\n"
                "fovea predict run *.png --json                 for programs: a JSON object a line\n",
    .details = "MODEL is a file or the folder of a run. Pictures get the size and the preprocessing of the training. "
               "On a terminal a\n"
               "single picture is drawn. Samples are counted from 0; without a part they come from the test part if "
               "there is one.",
    CLI_OPTIONS(list, options),
    .least = 2,
    .most = -1,
    .run = run};
