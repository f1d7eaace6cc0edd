/* lang_print.c - a net as flat text: every application a line with its full name and what it reads. Parsing the text
 * gives the same net, names included. */
#include "lang.h"

#include <string.h>

typedef struct printer {
    const fv_net *net;
    fv_text *text;
    fv_arena *arena;
    int *activation; /* by node: the node that its `activation` field made, or -1 */
    int losses;      /* printed, or made by fields of printed nodes */
} printer;

static const fv_node *node_of(const printer *p, int value) {
    const fv_value_info *v = &p->net->values[value];
    return v->kind == FV_KIND_RESULT ? &p->net->nodes[v->node] : NULL;
}

static bool is_activation(const fv_node *node) { return node->sugar_of >= 0 && !(node->op->traits & FV_T_LOSS); }

/* The activation that the node's field made gets the layer's name, what lies before it NAME.y. */
static void find_activations(printer *p) {
    for (int n = 0; n < p->net->node_count; n++) p->activation[n] = -1;
    for (int n = 0; n < p->net->node_count; n++)
        if (is_activation(&p->net->nodes[n])) p->activation[p->net->nodes[n].sugar_of] = n;
}

/* ---- names and values ------------------------------------------------------------------------------------------- */

/* Names that mean something else when they stand bare: it, in, in2. */
static bool needs_quotes(const char *name) {
    size_t n = strcspn(name, ".");
    if (!fv_lang_is_word(name, true) || (n == 2 && strncmp(name, "it", 2) == 0) || (n == 1 && *name == '_'))
        return true;
    return strncmp(name, "in", 2) == 0 && strspn(name + 2, "0123456789") == n - 2;
}

static void add_quoted(fv_text *text, const char *s) {
    fv_text_add(text, "\"");
    for (; *s; s++) {
        if (*s == '"' || *s == '\\') fv_text_add(text, "\\");
        fv_text_add_n(text, s, 1);
    }
    fv_text_add(text, "\"");
}

static void add_name(printer *p, const char *name) {
    if (!name)
        p->text->failed = true;
    else if (needs_quotes(name))
        add_quoted(p->text, name);
    else
        fv_text_add(p->text, name);
}

/* What a line calls the value: the result of an application by the application's name, after its activation. */
static const char *reference(const printer *p, int value) {
    const fv_value_info *v = &p->net->values[value];
    const fv_node *node = node_of(p, value);
    if (!node || v->index > 0) return v->name;
    if (is_activation(node)) return p->net->nodes[node->sugar_of].name;
    return p->activation[v->node] < 0 ? node->name : fv_arena_printf(p->arena, "%s.y", node->name);
}

static const fv_lang_value *no_parameter(void *user, const char *word) {
    (void)user, (void)word;
    return NULL;
}

static int no_property(void *user, const fv_lang_expression *word, int64_t *out) {
    (void)user, (void)word, (void)out;
    return 0;
}

/* Does the text, standing bare in a line, mean itself? */
static bool reads_back(const printer *p, const char *text) {
    fv_error ignored;
    int64_t work = FV_LANG_MAX_LINE;
    fv_lang_value value;
    fv_lang_cursor cursor = {.name = "", .start = text, .at = text, .arena = p->arena, .error = &ignored};
    fv_lang_context context = {"", p->arena, &ignored, &work, no_parameter, no_property, NULL};
    if (!*text || strlen(text) > FV_LANG_MAX_LINE / 4) return false;
    fv_lang_expression *e = fv_lang_read_argument(&cursor);
    return e && !*cursor.at && fv_lang_compute(&context, e, &value) == FV_OK && strcmp(value.text, text) == 0;
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

static void print_comment(printer *p) {
    for (const char *line = p->net->comment; line;) {
        const char *end = strchr(line, '\n');
        size_t n = end ? (size_t)(end - line) : strlen(line);
        fv_text_printf(p->text, "#%s%.*s\n", n ? " " : "", (int)n, line);
        line = end ? end + 1 : NULL;
    }
}

/* Neighbours of one section share a line. */
static void print_settings(printer *p) {
    const fv_net_setting *s = p->net->settings;
    for (int i = 0; i < p->net->setting_count; i++) {
        bool same = i > 0 && strcmp(s[i].section, s[i - 1].section) == 0;
        if (!same) fv_text_printf(p->text, "%s%s", i ? "\n" : "", s[i].section);
        if (strcmp(s[i].key, "list") == 0) { /* entries as they stand: augment hflip shift(2) */
            fv_text_printf(p->text, " %s", s[i].value);
            continue;
        }
        fv_text_printf(p->text, " %s=", s[i].key);
        if (reads_back(p, s[i].value))
            fv_text_add(p->text, s[i].value);
        else
            add_quoted(p->text, s[i].value);
    }
    if (p->net->setting_count) fv_text_add(p->text, "\n");
}

static void print_input(printer *p, const fv_value_info *v) {
    char shape[256];
    fv_shape sample = v->type.shape;
    bool batched = fv_type_batched(&v->type);
    if (batched) memmove(sample.dim, sample.dim + 1, (size_t)--sample.rank * sizeof sample.dim[0]);
    add_name(p, v->name);
    fv_text_printf(p->text, " = input %s", fv_shape_text(&sample, shape, sizeof shape));
    if (v->type.dtype != FV_F32) fv_text_printf(p->text, " dtype=%s", fv_dtype_name(v->type.dtype));
    fv_text_printf(p->text, "%s%s\n", v->target ? " target=yes" : "", batched ? "" : " batch=no");
}

static void print_loss(printer *p, const fv_net_loss *loss) {
    char weight[32];
    fv_text_add(p->text, "loss ");
    if (loss->weight != 1) {
        fv_print_double(loss->weight, weight);
        fv_text_printf(p->text, "weight=%s ", weight);
    }
    fv_text_add(p->text, "<- ");
    add_name(p, reference(p, loss->value));
    fv_text_add(p->text, "\n");
}

/* Losses keep their order: those before `end` that are lines of their own come now, those made by fields are passed
 * over. */
static void print_losses(printer *p, int end) {
    const fv_net *net = p->net;
    for (; p->losses < end; p->losses++) {
        const fv_net_loss *loss = &net->losses[p->losses];
        const fv_value_info *v = &net->values[loss->value];
        if (v->kind != FV_KIND_RESULT || net->nodes[v->node].sugar_of < 0) print_loss(p, loss);
    }
}

/* Before a layer whose fields make penalties: the losses that come before these. */
static void print_losses_before(printer *p, int node) {
    const fv_net *net = p->net;
    for (int i = p->losses; i < net->loss_count; i++) {
        const fv_value_info *v = &net->values[net->losses[i].value];
        if (v->kind == FV_KIND_RESULT && net->nodes[v->node].sugar_of == node) {
            print_losses(p, i);
            return;
        }
    }
}

/* `<- x` and, as far as they belong to others, the parameters; `_` for one of its own before such a one. */
static void print_reads(printer *p, int node) {
    const fv_node *n = &p->net->nodes[node];
    int last = n->inputs;
    for (int i = n->inputs; i < n->inputs + n->parameters; i++) {
        const fv_value_info *v = n->value_in[i] < 0 ? NULL : &p->net->values[n->value_in[i]];
        bool own = v && (v->kind == FV_KIND_WEIGHT || v->kind == FV_KIND_STATE) && v->node == node;
        if (v && !own) last = i + 1;
    }
    for (int i = 0; i < last; i++) {
        int value = n->value_in[i];
        if (value < 0) continue;
        const fv_value_info *v = &p->net->values[value];
        fv_text_add(p->text, i ? ", " : " <- ");
        if (i >= n->inputs && v->kind != FV_KIND_RESULT && v->kind != FV_KIND_INPUT && v->node == node)
            fv_text_add(p->text, "_");
        else
            add_name(p, reference(p, value));
    }
}

static void print_node(printer *p, int node) {
    const fv_node *n = &p->net->nodes[node];
    if (n->sugar_of >= 0) return;
    print_losses_before(p, node);
    add_name(p, n->name);
    fv_text_printf(p->text, " = %s", n->op->name);
    size_t before = p->text->length;
    fv_text_add(p->text, " ");
    fv_fields_to_text(n->op, n->fields, p->text);
    if (!p->text->failed && p->text->length == before + 1) p->text->data[--p->text->length] = 0;
    print_reads(p, node);
    fv_text_add(p->text, "\n");
}

static void print_outputs(printer *p) {
    for (int i = 0; i < p->net->output_count; i++) {
        const fv_net_output *o = &p->net->outputs[i];
        const char *value = reference(p, o->value);
        fv_text_add(p->text, i ? ", " : "output ");
        if (strcmp(o->name, value) != 0) {
            add_name(p, o->name);
            fv_text_add(p->text, " = ");
        }
        add_name(p, value);
    }
    if (p->net->output_count) fv_text_add(p->text, "\n");
}

static bool print_net(printer *p) {
    const fv_net *net = p->net;
    find_activations(p);
    print_comment(p);
    print_settings(p);
    bool ok = true;
    for (int i = 0; i < net->value_count && ok; i++) {
        const fv_value_info *v = &net->values[i];
        if (v->kind == FV_KIND_INPUT)
            print_input(p, v);
        else if (v->kind == FV_KIND_RESULT && v->index == 0)
            print_node(p, v->node);
        else if (v->kind == FV_KIND_CONSTANT)
            ok = false; /* no line makes a constant */
    }
    print_losses(p, net->loss_count);
    print_outputs(p);
    return ok;
}

char *fv_net_text(const fv_net *net) {
    fv_text text = {0};
    if (!net) return NULL;
    printer p = {.net = net, .text = &text, .arena = fv_arena_new()};
    p.activation = fv_arena_take(p.arena, ((size_t)net->node_count + 1) * sizeof *p.activation);
    bool ok = p.activation && print_net(&p);
    fv_arena_free(p.arena);
    if (ok) return fv_text_take(&text);
    fv_text_free(&text);
    return NULL;
}
