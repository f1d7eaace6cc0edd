/* sugar.c - what an application's fields ask for behind it: `activation` the operator of that name, a regularizer a
 * penalty in the loss. Both become nodes of their own, named after the layer ("conv1.activation"), that remember whose
 * they are. */
#include "graph.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Applies `op` to the value as NAME.SUFFIX of the owner; -1 and *error on a mistake. */
static int apply_behind(fv_net *net, int owner, const fv_op *op, const char *suffix, fv_value value,
                        const fv_argument *arguments, int count, fv_error *error) {
    fv_draft d = {
        .net = net, .op = op, .sugar_of = owner, .values = &value, .count = 1, .line = net->nodes[owner].line};
    d.name = fv_arena_printf(net->arena, "%s.%s", net->nodes[owner].name, suffix);
    d.fields = fv_draft_fields(net, op);
    if (!d.name || !d.fields) {
        fv_fail_memory(error, "a layer", sizeof(fv_node));
        return -1;
    }
    if (fv_fields_read(op, d.name, arguments, count, net->arena, d.fields, error)) return -1;
    return fv_draft_finish(&d, error);
}

/* ---- activation ------------------------------------------------------------------------------------------------- */

static fv_status activate(const fv_draft *d, int node, fv_value *value, fv_error *error) {
    const fv_field *f = d->op->field_count ? fv_find_field(d->op, "activation") : NULL;
    if (!f || f->kind != FV_FIELD_CHOICE) return FV_OK;
    int word = *(const int *)((const char *)d->fields + f->offset);
    if (word == 0) return FV_OK;
    const fv_op *op = fv_net_find_op(d->net, f->choices->words[word]);
    if (!op)
        return fv_fail(error, FV_E_UNSUPPORTED, "%s (%s): there is no operator for activation \"%s\"", d->name,
                       d->op->name, f->choices->words[word]);
    int made = apply_behind(d->net, node, op, "activation", *value, NULL, 0, error);
    if (made < 0) return error->status;
    value->id = d->net->nodes[made].value_out[0];
    return FV_OK;
}

/* ---- regularizers ----------------------------------------------------------------------------------------------- */

/* What l1 and l2 are where none is given (Keras's standard). */
static const double standard_strength = 0.01;

/* "l1(0.01)", "l2(0.01)", "l1_l2(0.01, 0.02)" into strengths; false if it is none of these. */
static bool parse_regularizer(const char *text, double *l1, double *l2) {
    static const struct {
        const char *name;
        bool l1, l2;
    } forms[] = {{"l1", true, false}, {"l2", false, true}, {"l1_l2", true, true}};
    size_t length = strcspn(text, "( ");
    const char *open = text + length + strspn(text + length, " ");
    double strengths[2] = {standard_strength, standard_strength};
    int given = 0;
    for (const char *s = open; *s && *s != ')'; given++) {
        char number[40];
        size_t n;
        s++; /* the parenthesis or comma */
        s += strspn(s, " ");
        n = strcspn(s, " ,)");
        if (given == 2 || n == 0 || n >= sizeof number || *open != '(') return false;
        snprintf(number, sizeof number, "%.*s", (int)n, s);
        if (!fv_parse_double(number, &strengths[given]) || !isfinite(strengths[given]) || strengths[given] < 0)
            return false;
        s += n;
        s += strspn(s, " ");
        if (*s == ')' ? s[1 + strspn(s + 1, " ")] != 0 : *s != ',') return false;
    }
    *l1 = *l2 = 0;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (strlen(forms[i].name) != length || strncmp(text, forms[i].name, length)) continue;
        if (given != 0 && given != forms[i].l1 + forms[i].l2) return false;
        if (forms[i].l1) *l1 = strengths[0];
        if (forms[i].l2) *l2 = strengths[forms[i].l1];
        return true;
    }
    return false;
}

/* Adds the penalty that `text` describes of the value to what training minimises; `part` is "weight", "bias",
 * "activity". */
static fv_status penalise(const fv_draft *d, int node, int value, const char *part, const char *text, fv_error *error) {
    double l1, l2;
    char one[32], two[32], suffix[80];
    if (!parse_regularizer(text, &l1, &l2))
        return fv_fail(error, FV_E_ARGUMENT,
                       "%s (%s): a regularizer is l1(0.01), l2(0.01) or l1_l2(0.01, 0.02) with numbers of at least 0, "
                       "got \"%.60s\" for %s",
                       d->name, d->op->name, text, part);
    if (l1 == 0 && l2 == 0) return FV_OK;
    const fv_op *op = fv_net_find_op(d->net, "penalty");
    if (!op) return fv_fail(error, FV_E_UNSUPPORTED, "%s (%s): this build has no penalties", d->name, d->op->name);
    fv_print_double(l1, one);
    fv_print_double(l2, two);
    snprintf(suffix, sizeof suffix, "%s_penalty", part);
    const fv_argument arguments[] = {{.key = "l1", .value = one}, {.key = "l2", .value = two}};
    int made = apply_behind(d->net, node, op, suffix, (fv_value){d->net, value}, arguments, 2, error);
    if (made < 0) return error->status;
    return fv_net_push_loss(d->net, d->net->nodes[made].value_out[0], 1, error);
}

static fv_status regularize(const fv_draft *d, int node, fv_value output, fv_error *error) {
    int inputs = d->net->nodes[node].inputs, first = fv_op_inputs(d->op);
    for (int k = 0; k < fv_op_parameters(d->op); k++) {
        int value = d->net->nodes[node].value_in[inputs + k];
        const char *text = d->infer.parameter[k].regularizer;
        fv_status status =
            value < 0 || !text ? FV_OK : penalise(d, node, value, d->op->ports[first + k].name, text, error);
        if (status) return status;
    }
    const fv_field *f = d->op->field_count ? fv_find_field(d->op, "activity_regularizer") : NULL;
    const char *text =
        f && f->kind == FV_FIELD_TEXT ? *(const char *const *)((const char *)d->fields + f->offset) : NULL;
    return text ? penalise(d, node, output.id, "activity", text, error) : FV_OK;
}

fv_status fv_sugar(const fv_draft *draft, int node, fv_value *value, fv_error *error) {
    fv_status status = activate(draft, node, value, error);
    return status ? status : regularize(draft, node, *value, error);
}
