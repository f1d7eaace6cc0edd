/* foretell.c - what fv_foretell knows, in words and as JSON. */
#include "foretell.h"

/* Adds ", WHAT SIZE" where there is something. */
static void print_part(const char *what, uint64_t bytes, const char **separator) {
    char text[32];
    if (!bytes) return;
    printf("%s%s %s", *separator, what, cli_bytes((int64_t)bytes, text));
    *separator = ", ";
}

static void print_parts(const fv_foretold *f, bool training) {
    const char *separator = ": ";
    print_part("weights", f->weights, &separator);
    print_part(training ? "values and gradients" : "values", f->arena, &separator);
    print_part("packed weights", f->packed, &separator);
    print_part("scratch", f->scratch, &separator);
    print_part("optimizer", f->optimizer, &separator);
    puts(".");
}

static fv_status foretell(fv_net *net, const fv_shape *input, int64_t batch, bool training, fv_foretold *out,
                          fv_error *error) {
    fv_foretell_options options = {.size = sizeof options, .batch = batch, .training = training};
    if (input) options.input = *input;
    return fv_foretell_with(net, out, error, &options);
}

void cli_print_memory(fv_net *net, const fv_shape *input, int64_t batch) {
    fv_foretold f;
    fv_error error = {0};
    char text[32], count[32];
    if (foretell(net, input, batch, false, &f, &error)) {
        bool open = !input && error.status == FV_E_SHAPE;
        printf("Memory of a run:  %s%s.\n", error.message, open ? " (--input)" : "");
        return;
    }
    printf("A run of %s sample%s takes %s", cli_grouped(f.batch, count), f.batch == 1 ? "" : "s",
           cli_bytes((int64_t)f.total, text));
    print_parts(&f, false);
    if (foretell(net, input, batch, true, &f, &error)) {
        printf("Memory of training:  %s.\n", error.message);
        return;
    }
    printf("Training with batches of %s takes %s", cli_grouped(f.batch, count), cli_bytes((int64_t)f.total, text));
    print_parts(&f, true);
}

static json_t *json_foretold(fv_net *net, const fv_shape *input, int64_t batch, bool training) {
    fv_foretold f;
    if (foretell(net, input, batch, training, &f, NULL)) return json_null();
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "batch", (json_int_t)f.batch, "weights",
                     (json_int_t)f.weights, "arena", (json_int_t)f.arena, "packed", (json_int_t)f.packed, "scratch",
                     (json_int_t)f.scratch, "optimizer", (json_int_t)f.optimizer, "total", (json_int_t)f.total);
}

json_t *cli_json_memory(fv_net *net, const fv_shape *input, int64_t batch) {
    return json_pack("{s:o, s:o}", "inference", json_foretold(net, input, batch, false), "training",
                     json_foretold(net, input, batch, true));
}
