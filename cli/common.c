/* common.c - what several commands do in the same way. */
#include "common.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "options.h"

/* ---- messages --------------------------------------------------------------------------------------------------- */

int cli_fail(const cli_call *call, const fv_error *error) {
    char text[900];
    fprintf(stderr, "fovea %s: %s\n", call->command->name, fv_error_text(error, text, sizeof text));
    return CLI_FAILED;
}

int cli_fail_text(const cli_call *call, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "fovea %s: ", call->command->name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return CLI_FAILED;
}

int cli_set_machine(const cli_call *call, const char *isa, int64_t threads) {
    fv_error error = {0};
    if (threads) fv_set_threads((int)threads);
    return isa && fv_set_isa(isa, &error) ? cli_fail(call, &error) : CLI_GOOD;
}

int cli_check_products(const cli_call *call, bool exact, bool bf16) {
    if (exact && bf16) return cli_usage_error(call->command, "--exact and --bf16 exclude each other");
    if (bf16 && !fv_has_bf16())
        fprintf(stderr, "fovea %s: --bf16: %s multiplies no bf16 numbers on this machine; f32 is used instead\n",
                call->command->name, fv_isa());
    return CLI_GOOD;
}

/* ---- numbers ---------------------------------------------------------------------------------------------------- */

const char *cli_grouped(int64_t n, char out[32]) {
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%" PRId64, n), at = 0;
    for (int i = 0; i < length && at < 30; i++) {
        if (i && digits[i - 1] != '-' && (length - i) % 3 == 0) out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = 0;
    return out;
}

const char *cli_short(int64_t n, char out[32]) {
    static const char *const units[] = {"", " k", " M", " G", " T", " P", " E"};
    double value = (double)n;
    int unit = 0;
    while (value >= 999.5 && unit < 6) value /= 1000, unit++;
    if (!unit)
        snprintf(out, 32, "%" PRId64, n);
    else
        snprintf(out, 32, "%.*f%s", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value, units[unit]);
    return out;
}

const char *cli_bytes(int64_t n, char out[32]) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)n;
    int unit = 0;
    while (value >= 1023.5 && unit < 6) value /= 1024, unit++;
    snprintf(out, 32, "%.*f %s", unit && value < 99.95 ? 1 : 0, value, units[unit]);
    return out;
}

const char *cli_metric(const char *name, double value, char out[48]) {
    const char *bare = strncmp(name, "val_", 4) == 0 ? name + 4 : name;
    bool share = strstr(bare, "accuracy") || strncmp(bare, "top", 3) == 0 || strstr(bare, "precision") ||
                 strstr(bare, "recall") || strstr(bare, "f1");
    if (share)
        snprintf(out, 48, "%s %.2f%%", name, 100 * value);
    else
        snprintf(out, 48, "%s %.4g", name, value);
    return out;
}

bool cli_unicode(void) {
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (int i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (value && *value) return strstr(value, "UTF-8") || strstr(value, "utf8") || strstr(value, "UTF8");
    }
    return false;
}

/* ---- data ------------------------------------------------------------------------------------------------------- */

bool cli_names_part(const char *spec) {
    struct stat about;
    const char *colon = strrchr(spec, ':');
    return colon && stat(spec, &about) != 0 && !strchr(colon, '/');
}

static fv_data *open_part(const char *spec, bool test, const fv_data_options *options, fv_error *error) {
    fv_data *data = fv_data_open_with(spec, error, options);
    if (!data || !test || cli_names_part(spec) || !fv_data_has_part(data, "test")) return data;
    fv_data_free(data);
    size_t length = strlen(spec) + sizeof ":test";
    char *part = malloc(length);
    if (!part) return NULL;
    snprintf(part, length, "%s:test", spec);
    data = fv_data_open_with(part, error, options);
    free(part);
    return data;
}

void cli_tell_skipped(const cli_call *call, const char *spec, const fv_data *data) {
    enum { SHOWN = 20 };
    char number[32];
    int64_t skipped = fv_data_skipped_count(data);
    if (skipped)
        fprintf(stderr, "fovea %s: %s: %s file%s cannot be read and %s left out:\n", call->command->name, spec,
                cli_grouped(skipped, number), skipped == 1 ? "" : "s", skipped == 1 ? "is" : "are");
    for (int64_t i = 0; i < skipped && i < SHOWN; i++) fprintf(stderr, "  %s\n", fv_data_skipped(data, i));
    if (skipped > SHOWN) fprintf(stderr, "  ... and %s more\n", cli_grouped(skipped - SHOWN, number));
}

fv_data *cli_open_data(const cli_call *call, const char *spec, bool test, const fv_data_options *options,
                       fv_error *error) {
    fv_data *data = open_part(spec, test, options, error);
    if (data) cli_tell_skipped(call, spec, data);
    return data;
}

bool cli_is_model(const char *path) {
    struct stat about;
    const char *dot = strrchr(path, '.');
    if (stat(path, &about) != 0) return false;
    return S_ISDIR(about.st_mode) || (dot && (!strcmp(dot, ".safetensors") || !strcmp(dot, ".onnx")));
}

bool cli_read_shape(const char *text, fv_shape *shape) {
    *shape = (fv_shape){0};
    for (const char *s = text;; s++) {
        char *end;
        long long n = strtoll(s, &end, 10);
        if (end == s || n < 1 || shape->rank == FV_MAX_RANK - 1) return false;
        shape->dim[shape->rank++] = n;
        s = end;
        if (!*s) return true;
        if (*s != 'x') return false;
    }
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

json_t *cli_json_number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

int cli_print_json(const cli_call *call, json_t *json) {
    int failed = json ? json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) : -1;
    json_decref(json);
    if (failed) return cli_fail_text(call, "the result cannot be written");
    putchar('\n');
    return CLI_GOOD;
}

int cli_with_net(const cli_call *call, const cli_settings *set, int (*use)(const cli_call *call, fv_net *net)) {
    const char *path = call->operands[0];
    fv_error error = {0};
    if (cli_is_model(path)) {
        if (set->count) return cli_usage_error(call->command, "--set is for networks; '%s' is a model", path);
        fv_model *model = fv_model_load(path, &error);
        int status = model ? use(call, fv_model_net(model)) : cli_fail(call, &error);
        fv_model_free(model);
        return status;
    }
    fv_net *net = fv_net_load(path, set->of, set->count, &error);
    int status = net ? use(call, net) : cli_fail(call, &error);
    fv_net_free(net);
    return status;
}
