/* train_begin.c - what a training begins with: net, data and model, from the command line or from a checkpoint, and what is kept of them in
 * the model's notes. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "training.h"

typedef cli_training_options options;
typedef cli_training training;

static bool keep(training *t, const char *key, const char *value, fv_error *error) {
    return fv_model_set_note(t->model, key, value, error) == FV_OK;
}

static bool keep_number(training *t, const char *key, int64_t value, fv_error *error) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    return keep(t, key, value ? text : NULL, error);
}

/* Pictures get the size that the net reads, by the rule of its preprocess lines. */
static bool open_data(training *t, fv_error *error) {
    fv_data_options options = {
        .size = sizeof options, .seed = (uint64_t)cli_number(t->data_seed), .limit = t->limit, .skip_bad = t->skip_bad};
    if (t->model)
        fv_data_options_for_model(&options, t->model);
    else if (fv_data_options_for(&options, t->net, error))
        return false;
    t->data = cli_open_data(t->call, t->data_name, false, &options, error);
    options.limit = 0;
    if (t->data && t->validation_name)
        t->validation = cli_open_data(t->call, t->validation_name, true, &options, error);
    return t->data && (t->validation || !t->validation_name);
}

/* A net of its own with the same text: the model's would get the loss, too. */
static fv_net *copy_of(const fv_net *net, fv_error *error) {
    char *text = fv_net_text(net);
    fv_net *copy = text ? fv_net_parse(text, "the model's net", NULL, 0, error) : NULL;
    fv_free(text);
    return copy;
}

/* A model that is trained further: its weights and what it does to pictures. */
static bool go_on_from(fv_model *model, const fv_model *given, fv_error *error) {
    fv_preprocess preprocess = fv_model_preprocess(given);
    fv_model_set_preprocess(model, &preprocess);
    return fv_model_start_from(model, given, NULL, NULL, error) == FV_OK;
}

static bool compile(training *t, fv_error *error) {
    const options *o = t->options;
    fv_model *given = cli_is_model(t->net_name) ? fv_model_load(t->net_name, error) : NULL;
    t->net = given                       ? copy_of(fv_model_net(given), error)
             : cli_is_model(t->net_name) ? NULL
                                         : fv_net_load(t->net_name, o->set.of, o->set.count, error);
    bool good = t->net && open_data(t, error);
    if (good)
        t->model = fv_compile(t->net, error, .optimizer = o->optimizer, .loss = o->loss, .metrics = o->metrics,
                              .seed = (uint64_t)cli_number(o->seed));
    good = good && t->model && (!given || go_on_from(t->model, given, error));
    fv_model_free(given);
    return good;
}

/* What was found in the model to start from. */
typedef struct start {
    int taken, fresh;
    char names[256]; /* of those that start anew */
} start;

static void on_weight(void *user, const fv_import_line *line) {
    start *s = user;
    size_t length = strlen(s->names);
    s->taken += !line->problem;
    if (!line->problem) return;
    if (length + strlen(line->weight) + 8 < sizeof s->names)
        snprintf(s->names + length, sizeof s->names - length, "%s%s", s->fresh ? ", " : "", line->weight);
    else if (length && s->names[length - 1] != '.')
        snprintf(s->names + length, sizeof s->names - length, ", ...");
    s->fresh++;
}

static bool start_from(training *t, fv_error *error) {
    start s = {0};
    fv_model *from = fv_model_load(t->options->from, error);
    bool good = from && fv_model_start_from(t->model, from, on_weight, &s, error) == FV_OK;
    fv_model_free(from);
    if (good && !t->options->quiet && t->fold < 2)
        fprintf(t->out, s.fresh ? "%s: %d weights taken; these start anew: %s\n" : "%s: all %d weights taken\n",
                t->options->from, s.taken, s.names);
    return good;
}

static bool keep_real(training *t, const char *key, double value, fv_error *error) {
    char text[40];
    snprintf(text, sizeof text, "%.17g", value);
    return keep(t, key, value != 0 ? text : NULL, error);
}

/* The teacher, as given or as the run had it, and what it was told. */
static bool take_teacher(training *t, fv_error *error) {
    const options *o = t->options;
    const char *path = o->teacher ? o->teacher : cli_train_kept(t, "command.teacher");
    const char *temperature = cli_train_kept(t, "command.temperature"),
               *weight = cli_train_kept(t, "command.teacher_weight");
    if (!path) return true;
    t->temperature = o->temperature != 0 ? o->temperature : temperature ? strtod(temperature, NULL) : 0;
    t->teacher_weight = o->teacher_weight != 0 ? o->teacher_weight : weight ? strtod(weight, NULL) : 0;
    t->teacher = fv_model_load(path, error);
    return t->teacher && keep(t, "command.teacher", path, error) &&
           keep_real(t, "command.temperature", t->temperature, error) &&
           keep_real(t, "command.teacher_weight", t->teacher_weight, error);
}

bool cli_train_begin(training *t, fv_error *error) {
    char command[4096];
    if (!compile(t, error) || (t->options->from && !start_from(t, error)) || !take_teacher(t, error)) return false;
    cli_train_command(t, command, sizeof command);
    return keep(t, "command", command, error) && keep(t, "command.net", t->net_name, error) &&
           keep(t, "command.data", t->data_name, error) && keep(t, "command.validation", t->validation_name, error) &&
           keep_number(t, "command.data_seed", t->data_seed, error) &&
           keep_number(t, "command.limit", t->limit, error) && keep_number(t, "command.skip_bad", t->skip_bad, error) &&
           keep(t, "command.isa", fv_isa(), error) &&
           keep(t, "command.bf16", t->options->bf16 && fv_has_bf16() ? "yes" : NULL, error);
}

/* The same bits need the same instruction set, and its products. */
static void take_isa(const training *t) {
    const char *isa = cli_train_kept(t, "command.isa");
    bool other = isa && strcmp(isa, fv_isa()) != 0 && (t->options->isa || fv_set_isa(isa, NULL));
    bool f32 = cli_train_kept(t, "command.bf16") && !fv_has_bf16();
    if (other || f32)
        fprintf(
            stderr,
            "fovea train: the run began with %s%s and goes on with %s%s: its weights will differ in their last bits\n",
            isa ? isa : "", f32 ? " and bf16 products" : "", fv_isa(), f32 ? " and f32 products" : "");
}

bool cli_train_go_on(training *t, fv_error *error) {
    const options *o = t->options;
    char command[4096];
    t->model = fv_checkpoint_load(t->folder, error);
    if (!t->model || !take_teacher(t, error)) return false;
    take_isa(t);
    if (!t->data_name) t->data_name = cli_train_kept(t, "command.data");
    if (!t->validation_name) t->validation_name = cli_train_kept(t, "command.validation");
    if (!t->data_seed) t->data_seed = cli_train_kept_number(t, "command.data_seed");
    if (!t->limit) t->limit = cli_train_kept_number(t, "command.limit");
    if (!t->skip_bad) t->skip_bad = cli_train_kept_number(t, "command.skip_bad");
    if (!t->data_name) {
        *error = (fv_error){.status = FV_E_ARGUMENT};
        snprintf(error->message, sizeof error->message, "%.200s does not say what it was trained on; give NET and DATA",
                 t->folder);
        return false;
    }
    if (o->epochs > cli_train_kept_number(t, "train.epochs") && cli_train_kept(t, "command")) {
        snprintf(command, sizeof command, "%s && fovea train --resume %s --epochs %" PRId64,
                 cli_train_kept(t, "command"), t->folder, o->epochs);
        if (!keep(t, "command", command, error)) return false;
    }
    if (!t->net_name) {
        t->net_name = cli_train_kept(t, "command.net");
        return open_data(t, error);
    }
    t->kept = t->model; /* names above lie in it */
    t->model = NULL;
    return compile(t, error);
}
