/* cmd_data.c - fovea data: what is in a set of data, and what is wrong with it. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

typedef struct options {
    const char *output, *augment;
    bool json, skip_bad;
    int64_t limit, data_seed, most;
} options;

static const cli_option list[] = {
    {"output", 'o', CLI_TEXT, offsetof(options, output), "SHEET.png", "a picture of the pictures", 0, 0},
    {"augment", 0, CLI_TEXT, offsetof(options, augment), "LIST",
     "the sheet shows samples and what the list makes of them (fovea help augment)", 0, 0},
    {"most", 0, CLI_WHOLE, offsetof(options, most), "N", "pictures on the sheet at most; default 400", 1, 100000},
    CLI_LIMIT(options),
    CLI_DATA_SEED(options),
    CLI_SKIP_BAD(options),
    CLI_JSON(options)};

/* ---- the parts -------------------------------------------------------------------------------------------------- */

static const char *const part_names[] = {"train", "validation", "test"};
enum { PARTS = sizeof part_names / sizeof *part_names };

typedef struct parts {
    fv_data_part part[PARTS];
    int count;
} parts;

static fv_data *open_part(const char *spec, const char *part, const options *o, fv_error *error) {
    fv_data_options how = {.size = sizeof how, .seed = (uint64_t)cli_number(o->data_seed), .limit = o->limit, .skip_bad = o->skip_bad};
    char whole[4200];
    snprintf(whole, sizeof whole, "%s%s%s", spec, part ? ":" : "", part ? part : "");
    return fv_data_open_with(whole, error, &how);
}

static void close_parts(parts *p) {
    for (int i = 0; i < p->count; i++) fv_data_free(p->part[i].data);
}

/* The part that is named, else all that there are, else the whole. */
static bool open_parts(const char *spec, const options *o, parts *out, fv_error *error) {
    fv_data *first = open_part(spec, NULL, o, error);
    if (!first) return false;
    bool named = cli_names_part(spec), any = false;
    for (int i = 0; i < PARTS && !named; i++) any |= fv_data_has_part(first, part_names[i]);
    if (named || !any) {
        out->part[out->count++] = (fv_data_part){named ? strrchr(spec, ':') + 1 : "all", first};
        return true;
    }
    bool good = true;
    for (int i = 0; i < PARTS && good; i++) {
        if (!fv_data_has_part(first, part_names[i])) continue;
        fv_data *data = open_part(spec, part_names[i], o, error);
        if (data) out->part[out->count++] = (fv_data_part){part_names[i], data};
        good = data != NULL;
    }
    fv_data_free(first);
    return good;
}

/* ---- text ------------------------------------------------------------------------------------------------------- */

static void print_head(const char *spec, const parts *p) {
    char text[128];
    printf("%s: ", spec);
    const fv_data *data = p->part[0].data;
    for (int i = 0; i < fv_data_field_count(data); i++) {
        const fv_data_field *f = fv_data_field_at(data, i);
        printf("%s%s %s", i ? ", " : "", f->name, fv_dtype_name(f->dtype));
        if (f->shape.rank) printf(" %s", fv_shape_text(&f->shape, text, sizeof text));
        if (f->target && fv_data_class_count(data)) printf(" of %d", fv_data_class_count(data));
    }
    printf("\n\npart           samples   constant     broken\n");
}

static void print_parts(const fv_data_facts *facts) {
    char a[32], b[32], c[32];
    for (int i = 0; i < facts->part_count; i++) {
        const fv_part_facts *p = &facts->part[i];
        printf("%-10s  %10s  %9s  %9s\n", p->name, cli_grouped(p->samples, a), cli_grouped(p->constant, b),
               cli_grouped(p->broken, c));
    }
}

static void print_range(const char *name, const fv_range *r) {
    printf("  %-12s %10.5g  %10.5g  %10.5g  %10.5g\n", name, r->least, r->most, r->mean, r->deviation);
}

/* What a net's preprocess line would be to see these numbers around 0 with deviation 1. */
static void print_preprocess(const fv_data_field *field, const fv_field_facts *f) {
    double scale = field->dtype == FV_U8 ? 1.0 / 255 : 1;
    int count = f->channels ? f->channels : 1;
    printf("  as a line in a net: preprocess%s mean=", scale != 1 ? " scale=1/255" : "");
    for (int c = 0; c < count; c++)
        printf("%s%.4g", c ? "," : "", scale * (f->channels ? f->channel[c].mean : f->all.mean));
    printf(" deviation=");
    for (int c = 0; c < count; c++)
        printf("%s%.4g", c ? "," : "", scale * (f->channels ? f->channel[c].deviation : f->all.deviation));
    putchar('\n');
}

static void print_numbers(const parts *p, const fv_data_facts *facts) {
    const fv_data *data = p->part[0].data;
    for (int i = 0; i < fv_data_field_count(data); i++) {
        const fv_data_field *field = fv_data_field_at(data, i);
        const fv_field_facts *f = &facts->part[0].fields[i];
        if (field->target && fv_data_class_count(data)) continue;
        printf("\n%-14s %10s  %10s  %10s  %10s\n", field->name, "least", "most", "mean", "deviation");
        for (int k = 0; k < facts->part_count; k++) print_range(facts->part[k].name, &facts->part[k].fields[i].all);
        for (int c = 0; c < f->channels; c++) {
            char name[32];
            snprintf(name, sizeof name, "channel %d", c);
            print_range(name, &f->channel[c]);
        }
        bool any = f->all.deviation > 0; /* of a constant, or of nothing, there is no line */
        for (int c = 0; c < f->channels; c++) any = any && f->channel[c].deviation > 0;
        if (!field->target && any) print_preprocess(field, f);
    }
}

enum { MOST_CLASSES = 40 };

static void print_classes(const parts *p, const fv_data_facts *facts) {
    char text[32];
    const fv_data *data = p->part[0].data;
    int count = fv_data_class_count(data), shown = count > MOST_CLASSES ? MOST_CLASSES : count;
    if (!count) return;
    printf("\n%-20s", "class");
    for (int k = 0; k < facts->part_count; k++) printf("  %10s", facts->part[k].name);
    putchar('\n');
    for (int c = 0; c < shown; c++) {
        printf("%-20s", fv_data_class_name(data, c));
        for (int k = 0; k < facts->part_count; k++)
            printf("  %10s", c < facts->part[k].class_count ? cli_grouped(facts->part[k].class_samples[c], text) : "-");
        putchar('\n');
    }
    if (shown < count) printf("... and %d more\n", count - shown);
}

/* ---- what is worth a look --------------------------------------------------------------------------------------- */

static int print_unbalanced(const parts *p, const fv_data_facts *facts) {
    enum { TIMES = 5 };
    const fv_part_facts *f = &facts->part[0];
    const fv_data *data = p->part[0].data;
    int least = 0, most = 0;
    for (int c = 1; c < f->class_count; c++) {
        if (f->class_samples[c] < f->class_samples[least]) least = c;
        if (f->class_samples[c] > f->class_samples[most]) most = c;
    }
    if (f->class_count < 2 || f->class_samples[most] < TIMES * f->class_samples[least]) return 0;
    printf("! unbalanced: %" PRId64 " samples of class %s, %" PRId64 " of %s (%s); accuracy will say little of it\n",
           f->class_samples[most], fv_data_class_name(data, most), f->class_samples[least],
           fv_data_class_name(data, least), f->name);
    return 1;
}

static int print_twins(const fv_data_facts *facts) {
    int found = 0;
    char text[32];
    for (int b = 0; b < facts->part_count; b++)
        for (int a = 0; a <= b; a++) {
            int64_t n = facts->twins[a][b];
            if (!n) continue;
            found++;
            if (a == b)
                printf("! %s: %s sample%s exactly as an earlier one of it\n", facts->part[a].name, cli_grouped(n, text),
                       n == 1 ? " is" : "s are");
            else
                printf("! %s sample%s of %s %s in %s, too: a score on %s says more than is true\n",
                       cli_grouped(n, text), n == 1 ? "" : "s", facts->part[b].name, n == 1 ? "is" : "are",
                       facts->part[a].name, facts->part[b].name);
        }
    for (int i = 0; i < facts->shown && i < 5; i++) {
        const fv_twin *t = &facts->shown_twin[i];
        printf("    %s:%" PRId64 " is %s:%" PRId64 "%s\n", facts->part[t->part].name, t->sample,
               facts->part[t->of_part].name, t->of_sample, t->other_class ? ", of another class" : "");
    }
    if (facts->conflicts)
        printf("! %s of these %s of another class than the same picture before\n", cli_grouped(facts->conflicts, text),
               facts->conflicts == 1 ? "is" : "are");
    return found;
}

static void print_problems(const parts *p, const fv_data_facts *facts) {
    int found = 0;
    char a[32];
    putchar('\n');
    for (int i = 0; i < facts->part_count; i++) {
        const fv_part_facts *f = &facts->part[i];
        if (f->broken)
            printf("! %s: %s broken, the first is %" PRId64 ": %s\n", f->name, cli_grouped(f->broken, a),
                   f->first_broken, f->why_broken ? f->why_broken : "");
        if (f->constant)
            printf("! %s: %s with the same number everywhere, the first is %" PRId64 "\n", f->name,
                   cli_grouped(f->constant, a), f->first_constant);
        if (f->sorted)
            printf("! %s: the samples come sorted: the last tenth holds %d of %d classes%s; leave validation mixed "
                   "(no --validation-tail)\n",
                   f->name, f->tail_classes, f->class_count, f->tail_alone ? ", and all there is of some" : "");
        found += f->broken > 0 || f->constant > 0 || f->sorted;
    }
    found += print_unbalanced(p, facts);
    found += print_twins(facts);
    if (!found) printf("Nothing is broken, constant, sorted or there twice.\n");
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

static json_t *json_range(const fv_range *r) {
    return json_pack("{s:o, s:o, s:o, s:o}", "least", cli_json_number(r->least), "most", cli_json_number(r->most),
                     "mean", cli_json_number(r->mean), "deviation", cli_json_number(r->deviation));
}

static json_t *json_field(const fv_data_field *field, const fv_field_facts *facts) {
    char shape[128];
    json_t *json = json_pack("{s:s, s:s, s:s, s:b, s:o}", "name", field->name, "dtype", fv_dtype_name(field->dtype),
                             "shape", fv_shape_text(&field->shape, shape, sizeof shape), "target", field->target,
                             "range", json_range(&facts->all));
    json_t *channels = json_array();
    for (int c = 0; c < facts->channels; c++) json_array_append_new(channels, json_range(&facts->channel[c]));
    json_object_set_new(json, "channels", channels);
    return json;
}

static json_t *json_part(const fv_data_part *part, const fv_part_facts *f) {
    json_t *fields = json_array(), *classes = json_array();
    for (int i = 0; i < f->field_count; i++)
        json_array_append_new(fields, json_field(fv_data_field_at(part->data, i), &f->fields[i]));
    for (int c = 0; c < f->class_count; c++)
        json_array_append_new(classes, json_pack("{s:s, s:I}", "name", fv_data_class_name(part->data, c), "samples",
                                                 (json_int_t)f->class_samples[c]));
    return json_pack("{s:s, s:I, s:o, s:o, s:{s:I, s:I}, s:{s:I, s:I, s:s?}, s:{s:b, s:i, s:i}}", "name", f->name,
                     "samples", (json_int_t)f->samples, "fields", fields, "classes", classes, "constant", "count",
                     (json_int_t)f->constant, "first", (json_int_t)f->first_constant, "broken", "count",
                     (json_int_t)f->broken, "first", (json_int_t)f->first_broken, "why", f->why_broken, "order",
                     "sorted", f->sorted, "tail_classes", f->tail_classes, "tail_alone", f->tail_alone);
}

static json_t *json_twins(const fv_data_facts *facts) {
    json_t *counts = json_array(), *shown = json_array();
    for (int b = 0; b < facts->part_count; b++)
        for (int a = 0; a <= b; a++)
            json_array_append_new(counts, json_pack("{s:s, s:s, s:I}", "part", facts->part[b].name, "also_in",
                                                    facts->part[a].name, "count", (json_int_t)facts->twins[a][b]));
    for (int i = 0; i < facts->shown; i++) {
        const fv_twin *t = &facts->shown_twin[i];
        json_array_append_new(shown, json_pack("{s:s, s:I, s:s, s:I, s:b}", "part", facts->part[t->part].name, "sample",
                                               (json_int_t)t->sample, "of_part", facts->part[t->of_part].name,
                                               "of_sample", (json_int_t)t->of_sample, "other_class", t->other_class));
    }
    return json_pack("{s:o, s:I, s:o}", "counts", counts, "other_class", (json_int_t)facts->conflicts, "first", shown);
}

static int print_json(const cli_call *call, const parts *p, const fv_data_facts *facts) {
    json_t *list_of_parts = json_array();
    for (int i = 0; i < p->count; i++) json_array_append_new(list_of_parts, json_part(&p->part[i], &facts->part[i]));
    return cli_print_json(call, json_pack("{s:s, s:o, s:o}", "data", call->operands[0], "parts", list_of_parts,
                                          "duplicates", json_twins(facts)));
}

/* ---- the command ------------------------------------------------------------------------------------------------ */

static int describe(const cli_call *call, const parts *p) {
    const options *o = call->options;
    fv_error error = {0};
    fv_data_facts *facts = fv_data_describe(p->part, p->count, &error);
    if (!facts) return cli_fail(call, &error);
    int status = CLI_GOOD;
    if (o->json)
        status = print_json(call, p, facts);
    else {
        print_head(call->operands[0], p);
        print_parts(facts);
        print_numbers(p, facts);
        print_classes(p, facts);
        print_problems(p, facts);
    }
    fv_data_facts_free(facts);
    if (status || !o->output) return status;
    fflush(stdout);
    const char *mirrors = fv_augment_mirrors_digits(o->augment, p->part[0].data);
    if (mirrors)
        fprintf(stderr, "fovea data: augment: %s mirrors pictures: a mirrored digit is another sign or none\n", mirrors);
    if (fv_data_sheet(p->part[0].data, o->output, &error, .most = o->most, .augment = o->augment)) return cli_fail(call, &error);
    if (!o->json) printf("%s shows some of %s\n", o->output, p->part[0].name);
    return CLI_GOOD;
}

static int run(const cli_call *call) {
    fv_error error = {0};
    parts p = {.count = 0};
    const options *o = call->options;
    if (o->augment && !o->output) return cli_fail_text(call, "--augment is for a sheet: it takes -o SHEET.png");
    bool good = open_parts(call->operands[0], call->options, &p, &error);
    for (int i = 0; i < p.count && good; i++) cli_tell_skipped(call, p.part[i].name, p.part[i].data);
    int status = good ? describe(call, &p) : cli_fail(call, &error);
    close_parts(&p);
    return status;
}

const cli_command command_data = {
    .name = "data",
    .summary = "what is in a data set, and what is wrong with it",
    .usage = "DATA [-o SHEET.png]",
    .examples = "fovea data digits                    all parts: counts, classes, ranges, duplicates\n"
                "fovea data mnist/:train -o sheet.png  one part, and a picture of its pictures\n"
                "fovea data mnist/ -o sheet.png --augment \"rotate elastic\"  samples, and what becomes of them\n"
                "fovea data mnist/ --json\n",
    .details = "Looks at every sample: the range, mean and deviation of the numbers, how many there are of each class, "
               "what is broken\n"
               "(cannot be read, not finite, of a class that is not there) or constant, samples that are exactly the "
               "same in one part\n"
               "or in two, and whether the order of the samples would break a validation split of the last ones.",
    CLI_OPTIONS(list, options),
    .least = 1,
    .most = 1,
    .run = run};
