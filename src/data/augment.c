/* augment.c - the augmentations there are, lists of them in text, and what is said about them. */
#include "augment.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

#define FV_AUGMENT(name) extern const fv_augment fv_augment_##name;
#include "augment/augmentations.def"
#undef FV_AUGMENT

static const fv_augment *const records[] = {
#define FV_AUGMENT(name) &fv_augment_##name,
#include "augment/augmentations.def"
#undef FV_AUGMENT
};
enum { RECORDS = sizeof records / sizeof records[0] };

int fv_augment_total(void) { return RECORDS; }
const fv_augment *fv_augment_at(int index) { return index >= 0 && index < RECORDS ? records[index] : NULL; }

/* ---- arguments -------------------------------------------------------------------------------------------------- */

static int argument_count(const fv_augment *record) {
    int count = 0;
    while (count < FV_AUGMENT_ARGUMENTS && record->arguments[count].name) count++;
    return count;
}

/* With the one that all have. */
static fv_augment_argument argument_at(const fv_augment *record, int index) {
    if (index < argument_count(record)) return record->arguments[index];
    return (fv_augment_argument){.name = "chance",
                                 .help = "how often it happens to a sample",
                                 .standard = record->chance > 0 ? record->chance : 1,
                                 .most = 1};
}

static void print_number(const fv_augment_argument *argument, double value, char out[32]) {
    int word = (int)(value - FV_BORDER_BLACK);
    if (argument->border && value >= FV_BORDER_BLACK && word < FV_BORDERS)
        snprintf(out, 32, "%s", fv_border_names[word]);
    else
        fv_print_double(value, out);
}

/* "pixels=2 border=1000001 chance=1", as spec.h reads it. */
static void list_arguments(const fv_augment *record, bool words, fv_text *out) {
    for (int i = 0; i <= argument_count(record); i++) {
        fv_augment_argument argument = argument_at(record, i);
        char number[32];
        if (words)
            print_number(&argument, argument.standard, number);
        else
            fv_print_double(argument.standard, number);
        fv_text_printf(out, "%s%s=%s", i ? " " : "", argument.name, number);
    }
}

/* The words of borders become their numbers. */
static fv_status number_borders(fv_spec *spec, const fv_augment *record, const char *arguments, fv_error *error) {
    for (int i = 0; i < spec->count; i++) {
        int at = spec->key[i][0] ? fv_spec_argument(arguments, spec->key[i]) : i;
        double number;
        if (at < 0 || at >= argument_count(record) || !record->arguments[at].border) continue;
        for (int b = 0; b < FV_BORDERS; b++)
            if (!strcmp(spec->value[i], fv_border_names[b]))
                snprintf(spec->value[i], sizeof spec->value[i], "%d", FV_BORDER_BLACK + b);
        if (!fv_parse_double(spec->value[i], &number))
            return fv_fail(error, FV_E_ARGUMENT,
                           "augment '%s': expected %s to be edge, reflect, black or a number, got '%s'", spec->text,
                           record->arguments[at].name, spec->value[i]);
    }
    return FV_OK;
}

static fv_status check_range(const fv_spec *spec, const fv_augment_argument *argument, double value, fv_error *error) {
    char got[32];
    if (argument->border && value >= FV_BORDER_BLACK && value < FV_BORDER_BLACK + FV_BORDERS) return FV_OK;
    if (value >= argument->least && value <= argument->most && (!argument->whole || value == floor(value)))
        return FV_OK;
    fv_print_double(value, got);
    return fv_fail(error, FV_E_ARGUMENT, "augment '%s': expected %s to be %s%.10g to %.10g, got %s", spec->text,
                   argument->name, argument->whole ? "a whole number from " : "", argument->least, argument->most, got);
}

static fv_status read_arguments(fv_spec *spec, fv_augment_entry *entry, fv_error *error) {
    fv_text numbers = {0}, words = {0};
    const fv_augment *record = entry->record;
    list_arguments(record, false, &numbers);
    list_arguments(record, true, &words);
    fv_status status =
        numbers.failed || words.failed ? fv_fail_memory(error, "an augmentation", numbers.length) : FV_OK;
    if (!status) status = number_borders(spec, record, numbers.data, error);
    for (int i = 0; i < spec->count && !status; i++) /* said with words, not with their numbers */
        if (spec->key[i][0] && fv_spec_argument(numbers.data, spec->key[i]) < 0)
            status = fv_fail(error, FV_E_ARGUMENT, "augment '%s': %s has no argument '%s'; it takes: %s", spec->text,
                             spec->name, spec->key[i], words.data);
    if (!status) status = fv_spec_numbers(spec, "augment", numbers.data, entry->a, error);
    for (int i = 0; i <= argument_count(record) && !status; i++) {
        fv_augment_argument argument = argument_at(record, i);
        status = check_range(spec, &argument, entry->a[i], error);
    }
    entry->chance = status ? 0 : entry->a[argument_count(record)];
    fv_text_free(&numbers), fv_text_free(&words);
    return status;
}

/* ---- lists ------------------------------------------------------------------------------------------------------ */

fv_status fv_augment_read(const char *text, fv_augment_plan *out, fv_error *error) {
    const char *names[RECORDS];
    fv_spec spec;
    fv_status status = FV_OK;
    for (int i = 0; i < RECORDS; i++) names[i] = records[i]->name;
    memset(out, 0, sizeof *out);
    if (!text || !strcmp(text, "none")) return FV_OK;
    while (fv_spec_next(&text, " ,\t", "augmentation", &spec, &status, error)) {
        fv_augment_entry *entry = &out->entry[out->count];
        if (out->count == FV_MAX_AUGMENTS)
            return fv_fail(error, FV_E_ARGUMENT, "augment: at most %d entries", FV_MAX_AUGMENTS);
        int at = fv_spec_find(&spec, "augmentation", names, sizeof names[0], RECORDS, error);
        if (at < 0) return FV_E_ARGUMENT;
        entry->record = records[at];
        status = read_arguments(&spec, entry, error);
        if (status) return status;
        if (out->count && out->entry[out->count - 1].record->mix && !entry->record->mix)
            return fv_fail(error, FV_E_ARGUMENT, "augment: %s mixes finished samples; it must stand behind '%s'",
                           out->entry[out->count - 1].record->name, spec.text);
        out->count++;
    }
    return status;
}

bool fv_augment_mixes(const fv_augment_plan *plan) {
    return plan->count > 0 && plan->entry[plan->count - 1].record->mix;
}

/* "0" to "9", or classes that are only known by number, of grey pictures. */
static bool are_digits(const fv_data *data) {
    bool grey = false;
    if (data->class_count != 10) return false;
    for (int c = 0; c < 10; c++) {
        const char digit[2] = {(char)('0' + c), 0};
        if (!data->class_names || strcmp(data->class_names[c], digit)) return false;
    }
    for (int i = 0; i < data->field_count; i++) {
        const fv_shape *shape = &data->fields[i].shape;
        grey |= !data->fields[i].target && (shape->rank == 2 || (shape->rank == 3 && shape->dim[2] == 1));
    }
    return grey || !data->number_names;
}

const char *fv_augment_doubtful(const fv_augment_plan *plan, const fv_data *data) {
    for (int i = 0; i < plan->count && are_digits(data); i++)
        if (plan->entry[i].record->mirrors) return plan->entry[i].record->name;
    return NULL;
}

/* ---- the public face -------------------------------------------------------------------------------------------- */

const char *fv_augment_mirrors_digits(const char *list, const fv_data *data) {
    fv_augment_plan plan;
    return fv_augment_read(list, &plan, NULL) ? NULL : fv_augment_doubtful(&plan, data);
}

int fv_augment_count(void) { return RECORDS; }
const char *fv_augment_name(int index) { return index >= 0 && index < RECORDS ? records[index]->name : NULL; }

static const fv_augment *find(const char *name) {
    for (int i = 0; i < RECORDS; i++)
        if (name && !strcmp(records[i]->name, name)) return records[i];
    return NULL;
}

const char *fv_augment_summary(const char *name) {
    const fv_augment *record = find(name);
    return record ? record->help : NULL;
}

static void say_argument(const fv_augment *record, int index, fv_text *text) {
    fv_augment_argument argument = argument_at(record, index);
    char standard[32];
    print_number(&argument, argument.standard, standard);
    fv_text_printf(text, "  %-10s %s\n             default %s", argument.name, argument.help, standard);
    if (argument.border)
        fv_text_printf(text, "; edge, reflect, black, or a number as the net sees it\n");
    else
        fv_text_printf(text, "; %s%.10g to %.10g\n", argument.whole ? "whole, " : "", argument.least, argument.most);
}

char *fv_augment_help(const char *name) {
    const fv_augment *record = find(name);
    fv_text text = {0};
    if (!record) return NULL;
    fv_text_printf(&text, "%s - %s\n\n  %s(", record->name, record->help, record->name);
    for (int i = 0; i <= argument_count(record); i++) {
        fv_augment_argument argument = argument_at(record, i);
        char standard[32];
        print_number(&argument, argument.standard, standard);
        fv_text_printf(&text, "%s%s=%s", i ? ", " : "", argument.name, standard);
    }
    fv_text_printf(&text, ")\n\n");
    for (int i = 0; i <= argument_count(record); i++) say_argument(record, i, &text);
    fv_text_printf(&text, "\nTakes %s. It %s.%s%s\n",
                   record->takes & FV_TAKES_SOUND ? "pictures and sound" : "pictures",
                   record->move     ? "moves pixels: masks and boxes of the sample go along"
                   : record->change ? "changes values: masks and boxes stay"
                                    : "mixes each sample with another one of its batch: labels become distributions",
                   record->mirrors ? " Not for digits and letters." : "",
                   record->views ? " It may be used for test-time augmentation." : "");
    return fv_text_take(&text);
}
