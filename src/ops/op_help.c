/* op_help.c - the help page of an operator, made from its record. */
#include "op.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

enum { WIDTH = 100 };

/* Paragraphs wrapped at WIDTH, every line indented. */
static void add_wrapped(fv_text *out, const char *text, int indent, int column) {
    for (const char *p = text; *p;) {
        size_t word = strcspn(p, " \n");
        if (column > indent && column + 1 + (int)word > WIDTH) {
            fv_text_printf(out, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            fv_text_add(out, " ");
            column++;
        }
        fv_text_add_n(out, p, word);
        column += (int)word;
        p += word;
        if (*p == '\n') {
            fv_text_printf(out, p[1] == '\n' ? "\n\n%*s" : "\n%*s", indent, "");
            column = indent;
        }
        p += strspn(p, " \n");
    }
    fv_text_add(out, "\n");
}

static const char *kind_text(const fv_field *f) {
    switch (f->kind) {
    case FV_FIELD_INT: return "whole number";
    case FV_FIELD_FLOAT: return "number";
    case FV_FIELD_BOOL: return "yes or no";
    case FV_FIELD_CHOICE: return "word";
    case FV_FIELD_SIZES: return f->choices ? "3, 3x3 or word" : "3 or 3x3";
    case FV_FIELD_LIST: return "such as 1,2,3";
    case FV_FIELD_TEXT: return "text";
    }
    return "";
}

static void add_default(fv_text *out, const fv_field *f) {
    char number[32];
    if (f->required)
        fv_text_add(out, "required");
    else if (f->standard_text)
        fv_text_printf(out, "default %s", f->standard_text);
    else if (f->kind == FV_FIELD_TEXT || f->kind == FV_FIELD_LIST)
        fv_text_add(out, "default none");
    else if (f->kind == FV_FIELD_BOOL)
        fv_text_printf(out, "default %s", f->standard != 0 ? "yes" : "no");
    else if (f->kind == FV_FIELD_CHOICE)
        fv_text_printf(out, "default %s", f->choices->words[0]);
    else {
        fv_print_double(f->standard, number);
        fv_text_printf(out, "default %s", number);
    }
}

/* "; at least 1", "; 0 to 1". The shared upper bound of counts is no news. */
static void add_range(fv_text *out, const fv_field *f) {
    char low[32], high[32];
    if (f->min == 0 && f->max == 0) return;
    fv_print_double(f->min, low);
    fv_print_double(f->max, high);
    if (f->max != 0 && f->max < 1e9)
        fv_text_printf(out, "; %s to %s", low, high);
    else
        fv_text_printf(out, "; at least %s", low);
}

void fv_field_notes(const fv_field *f, bool words, fv_text *out) {
    add_default(out, f);
    add_range(out, f);
    for (int i = 0; words && f->choices && i < 24 && f->choices->words[i]; i++)
        fv_text_printf(out, "%s%s", i ? ", " : "; words: ", f->choices->words[i]);
}

static void add_usage(fv_text *out, const fv_op *op) {
    bool named = false;
    fv_text_printf(out, "    %s", op->name);
    for (int i = 0; i < op->field_count; i++) {
        const fv_field *f = &op->fields[i];
        if (f->positional)
            fv_text_printf(out, f->required ? " %s" : " [%s]", f->name);
        else
            named = true;
    }
    if (named) fv_text_add(out, " [key=value ...]");
    int inputs = 0;
    while (inputs < FV_MAX_PORTS && op->ports[inputs].name && op->ports[inputs].role == FV_INPUT) inputs++;
    if (op->variadic) fv_text_add(out, " <- value, value, ...");
    for (int i = 0; inputs > 1 && i < inputs; i++) fv_text_printf(out, "%s%s", i ? ", " : " <- ", op->ports[i].name);
    fv_text_add(out, "\n");
}

static void add_fields(fv_text *out, const fv_op *op) {
    if (op->field_count == 0) return;
    int width = 0;
    fv_text_add(out, "\nFields\n");
    for (int i = 0; i < op->field_count; i++)
        if ((int)strlen(op->fields[i].name) > width) width = (int)strlen(op->fields[i].name);
    for (int i = 0; i < op->field_count; i++) {
        const fv_field *f = &op->fields[i];
        fv_text_printf(out, "    %-*s  ", width, f->name);
        add_wrapped(out, f->help, width + 6, width + 6);
        fv_text_printf(out, "%*s(%s, ", width + 6, "", kind_text(f));
        fv_field_notes(f, true, out);
        fv_text_add(out, ")\n");
    }
}

static void add_ports(fv_text *out, const fv_op *op, const char *title, fv_role first, fv_role last) {
    bool any = false;
    for (int i = 0; i < FV_MAX_PORTS && op->ports[i].name; i++) {
        const fv_port *port = &op->ports[i];
        if (port->role < first || port->role > last) continue;
        if (!any) fv_text_printf(out, "\n%s\n", title);
        any = true;
        fv_text_printf(out, "    %-12s  %s%s%s\n", port->name, port->help ? port->help : "",
                       port->role == FV_STATE ? " (not trained)" : "", port->optional ? " (may be absent)" : "");
    }
}

static void add_examples(fv_text *out, const fv_op *op) {
    bool any = false;
    for (int i = 0; i < FV_MAX_EXAMPLES && op->examples[i].fields; i++) {
        const fv_example *x = &op->examples[i];
        if (!x->title) continue;
        if (!any) fv_text_add(out, "\nExamples\n");
        any = true;
        fv_text_printf(out, "    %s%s\n        %s%s%s\n", x->title, x->training ? " (training)" : "", op->name,
                       *x->fields ? " " : "", x->fields);
        for (int k = 0; k < 4 && x->in[k]; k++) fv_text_printf(out, "        %-6s  %s\n", k ? "" : "in", x->in[k]);
        for (int k = 0; k < 4 && x->weight[k]; k++)
            fv_text_printf(out, "        %-6s  %s\n", k ? "" : "weight", x->weight[k]);
        if (x->figures)
            fv_text_printf(out, "        counts  %lld parameters, %lld multiply-adds\n", (long long)x->parameters,
                           (long long)x->macs);
        for (int k = 0; k < 2 && x->out[k]; k++) fv_text_printf(out, "        %-6s  %s\n", k ? "" : "out", x->out[k]);
    }
}

char *fv_op_help(const char *name) {
    const fv_op *op = fv_find_op(name);
    fv_text out = {0};
    if (!op) return NULL;
    fv_text_printf(&out, "%s - %s\n\n", op->name, op->summary);
    add_usage(&out, op);
    if (op->details) {
        fv_text_add(&out, "\n    ");
        add_wrapped(&out, op->details, 4, 4);
    }
    add_fields(&out, op);
    add_ports(&out, op, "Inputs", FV_INPUT, FV_INPUT);
    add_ports(&out, op, "Parameters", FV_WEIGHT, FV_STATE);
    if (op->onnx) fv_text_printf(&out, "\nONNX: %s\n", op->onnx);
    add_examples(&out, op);
    return fv_text_take(&out);
}
