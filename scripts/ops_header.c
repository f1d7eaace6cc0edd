/* ops_header.c - prints include/fovea_ops.h, the builders in C, from the operators' records. */
#include "op.h"
#include "text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char *const opening =
    "/* fovea_ops.h - made by scripts/ops_header.c from the operators; do not edit.\n"
    " *\n"
    " * One builder for every operator: fv_conv(x, .filters = 32, .kernel = {3, 3}, .activation = FV_RELU). What is "
    "not given,\n"
    " * or 0, takes its default; FV_ZERO asks for the number 0. `name` names the layer and its weights. */\n"
    "#ifndef FOVEA_OPS_H\n"
    "#define FOVEA_OPS_H\n"
    "\n"
    "#include \"fovea.h\"\n"
    "\n"
    "#ifdef __cplusplus\n"
    "extern \"C\" {\n"
    "#endif\n";

/* ---- choices ------------------------------------------------------------------------------------------------------
 */

static void print_upper(const char *word) {
    for (; *word; word++) putchar(toupper((unsigned char)*word));
}

/* Word 0 "none" of fv_activation is FV_NO_ACTIVATION: NONE alone would be a name for anything. */
static void print_word(const fv_choices *c, int word) {
    printf("%s", c->prefix);
    if (strcmp(c->words[word], "none")) {
        print_upper(c->words[word]);
        return;
    }
    printf("NO_");
    print_upper(strncmp(c->type, "fv_", 3) ? c->type : c->type + 3);
}

static void print_enum(const fv_choices *c, bool negative) {
    printf("\n/* %s */\ntypedef enum %s {", negative ? "instead of a number" : "one of these words", c->type);
    for (int i = 0; i < 24 && c->words[i]; i++) {
        printf("%s\n    ", i ? "," : "");
        print_word(c, i);
        printf(" = %d", negative ? -i : i);
    }
    printf("\n} %s;\n", c->type);
}

/* Every list of words once, where it is first used. */
static void print_enums(void) {
    const fv_choices *seen[64];
    int count = 0;
    for (int o = 0; fv_ops[o]; o++)
        for (int i = 0; i < fv_ops[o]->field_count; i++) {
            const fv_field *f = &fv_ops[o]->fields[i];
            bool new = f->choices &&count < 64;
            for (int k = 0; new &&k < count; k++) new = seen[k] != f->choices;
            if (!new) continue;
            seen[count++] = f->choices;
            print_enum(f->choices, f->kind == FV_FIELD_SIZES);
        }
}

/* ---- one operator ---------------------------------------------------------------------------------------------------
 */

static int input_count(const fv_op *op) {
    int inputs = 0;
    while (inputs < FV_MAX_PORTS && op->ports[inputs].name && op->ports[inputs].role == FV_INPUT) inputs++;
    return inputs;
}

/* A member with its comment behind it, or above it where the line would become too long. */
static void print_commented(const char *member, const char *comment) {
    if (strlen(comment) + 48 <= 120)
        printf("    %-36s /* %s */\n", member, comment);
    else
        printf("    /* %s */\n    %s\n", comment, member);
}

static const char *member_form(const fv_field *f) {
    switch (f->kind) {
    case FV_FIELD_INT: return "int64_t %s%s;";
    case FV_FIELD_FLOAT: return "double %s%s;";
    case FV_FIELD_BOOL: return "bool %s%s;";
    case FV_FIELD_CHOICE: return "int %s%s;";
    case FV_FIELD_SIZES: return "int64_t %s%s[3];";
    case FV_FIELD_LIST: return "int64_t %s%s[8];";
    case FV_FIELD_TEXT: return "const char *%s%s;";
    }
    return "";
}

static void print_member(const fv_field *f) {
    fv_text notes = {0};
    char member[80];
    bool negated = f->kind == FV_FIELD_BOOL && f->standard != 0;
    fv_text_add(&notes, negated ? "do not " : "");
    fv_text_add(&notes, f->help);
    if (!negated) {
        fv_text_add(&notes, "; ");
        fv_field_notes(f, false, &notes);
        if (f->choices) fv_text_printf(&notes, "; %s %s", f->kind == FV_FIELD_SIZES ? "or" : "an", f->choices->type);
    }
    snprintf(member, sizeof member, member_form(f), negated ? "no_" : "", f->name);
    print_commented(member, notes.data ? notes.data : "");
    fv_text_free(&notes);
}

static void print_options(const fv_op *op) {
    int inputs = input_count(op);
    printf("\n/* %s. `fovea help %s` says more. */\ntypedef struct fv_%s_options {\n    size_t size;\n", op->summary,
           op->name, op->name);
    if (inputs == 0)
        print_commented("fv_net *net;", "the net that it belongs to");
    else if (op->variadic) {
        print_commented("const fv_value *values;", op->ports[inputs - 1].help);
        print_commented("int64_t count;", "of values");
    } else {
        for (int i = 0; i < inputs; i++) {
            char member[80];
            snprintf(member, sizeof member, "fv_value %s;", op->ports[i].name);
            print_commented(member, op->ports[i].help);
        }
    }
    print_commented("const char *name;", "of the layer; default: the operator's with its ordinal");
    for (int i = 0; i < op->field_count; i++) print_member(&op->fields[i]);
    printf("} fv_%s_options;\nFV_API fv_value fv_%s_with(const fv_%s_options *options);\n", op->name, op->name,
           op->name);
}

/* In C++ positional and designated members do not mix, so the inputs are arguments of the macro there; optional ones
 * are given by name. */
static void print_plus_macro(const fv_op *op) {
    int inputs = input_count(op);
    while (inputs > 0 && op->ports[inputs - 1].optional) inputs--;
    if (op->variadic) {
        printf("#define fv_%s(...) fv_%s_with(FV_OPTIONS(fv_%s_options, __VA_ARGS__))\n", op->name, op->name, op->name);
        return;
    }
    if (input_count(op) == 0) {
        printf("#define fv_%s(NET, ...) \\\n    fv_%s_with(fv_address_of(fv_%s_options{.size = sizeof(fv_%s_options), .net = (NET) __VA_OPT__(, ) __VA_ARGS__}))\n",
               op->name, op->name, op->name, op->name);
        return;
    }
    printf("#define fv_%s(", op->name);
    for (int i = 0; i < inputs; i++) printf("X%d, ", i + 1);
    printf("...) \\\n    fv_%s_with(fv_address_of(fv_%s_options{.size = sizeof(fv_%s_options)", op->name, op->name,
           op->name);
    for (int i = 0; i < inputs; i++) printf(", .%s = (X%d)", op->ports[i].name, i + 1);
    printf(" __VA_OPT__(, ) __VA_ARGS__}))\n");
}

static void print_macro(const fv_op *op) {
    printf("#define fv_%s(...) fv_%s_with(FV_OPTIONS(fv_%s_options, __VA_ARGS__))\n", op->name, op->name, op->name);
}

int main(void) {
    printf("%s", opening);
    print_enums();
    for (int o = 0; fv_ops[o]; o++) print_options(fv_ops[o]);
    printf("\n#ifdef __cplusplus\n}\n\n");
    for (int o = 0; fv_ops[o]; o++) print_plus_macro(fv_ops[o]);
    printf("#else\n");
    for (int o = 0; fv_ops[o]; o++) print_macro(fv_ops[o]);
    printf("#endif\n\n#endif\n");
    return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
