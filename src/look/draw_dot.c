/* draw_dot.c - the boxes and groups of a drawing in Graphviz's DOT language. Everything that a name may hold is escaped. */
#include "draw.h"

#include <inttypes.h>
#include <string.h>

typedef struct writer {
    const fv_drawing *d;
    const fv_dot_options *options;
    fv_text out;
    int *arrow_to; /* of each value: the place to which an arrow was drawn last */
    bool returns;  /* the net goes down and up again, with arrows across: it is drawn as a U */
} writer;

/* ---- text ------------------------------------------------------------------------------------------------------- */

/* Bytes of the UTF-8 character at s, 0 if it is none. */
static int character(const unsigned char *s) {
    int n = s[0] < 0x80                   ? 1
            : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
            : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
            : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                          : 0;
    for (int i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)) return 0;
    if (s[0] == 0xed && s[1] > 0x9f) return 0;
    return n;
}

/* For HTML-like labels, and with `quoted` for strings in quotes. */
static void add_escaped(fv_text *out, const char *text, bool quoted) {
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        int n = character(s);
        if (n == 0 || *s < 0x20 || *s == 0x7f)
            fv_text_add(out, n == 0 ? "\xef\xbf\xbd" : " ");
        else if (*s == '&')
            fv_text_add(out, "&amp;");
        else if (*s == '<')
            fv_text_add(out, "&lt;");
        else if (*s == '>')
            fv_text_add(out, "&gt;");
        else if (*s == '"')
            fv_text_add(out, "&quot;");
        else if (quoted && *s == '\\')
            fv_text_add(out, "\\\\");
        else
            fv_text_add_n(out, (const char *)s, (size_t)n);
        s += n ? n : 1;
    }
}

/* "28×28×6" without the batch */
static void add_shape(fv_text *out, const fv_type *type) {
    int first = fv_type_batched(type);
    for (int i = first; i < type->shape.rank; i++) {
        if (i > first) fv_text_add(out, "\xc3\x97");
        if (type->shape.dim[i] < 0)
            fv_text_add(out, "?");
        else
            fv_text_printf(out, "%" PRId64, type->shape.dim[i]);
    }
    if (type->shape.rank == first) fv_text_add(out, "1");
}

/* ---- what an operator is like ----------------------------------------------------------------------------------- */

enum { CONVOLUTION, PRODUCT, POOLING, ENLARGING, NORM, ACTIVATION, JOIN, CHANCE, OTHER };
static const char *const colours[] = {[CONVOLUTION] = "#cfe2f6", [PRODUCT] = "#dcd5f0", [POOLING] = "#f8d3cc",
                                      [ENLARGING] = "#fbd9b5",   [NORM] = "#dcedcb",    [ACTIVATION] = "#fdf2c3",
                                      [JOIN] = "#cdeae5",        [CHANCE] = "#f1e2ee",  [OTHER] = "#ededed"};

static bool guides(const fv_node *node, int input) {
    return input >= node->inputs || (input < FV_MAX_PORTS && node->op->guides >> input & 1);
}

static bool reads_several(const fv_node *node) {
    int count = 0;
    for (int i = 0; i < node->inputs; i++) count += !guides(node, i);
    return count > 1;
}

static int kind_of(const fv_drawing *d, int n) {
    const fv_node *node = &d->net->nodes[n];
    const fv_cost *cost = &d->costs[n];
    const fv_value_info *weight =
        node->parameters && node->value_in[node->inputs] >= 0 ? &d->net->values[node->value_in[node->inputs]] : NULL;
    const char *axes = weight && weight->parameter.axes ? weight->parameter.axes : "";
    if (node->op->traits & FV_T_ACTIVATION) return ACTIVATION;
    if (cost->upsamples) return ENLARGING;
    if (strchr(axes, 'k')) return CONVOLUTION;
    bool window = fv_find_field(node->op, "window") && fv_find_field(node->op, "stride"); /* also one of 1x2x2 */
    if (window || cost->extent > 1 || cost->extent < 0) return POOLING;
    if (reads_several(node)) return JOIN;
    if (strchr(axes, 'i')) return PRODUCT;
    if (weight) return NORM;
    return node->op->traits & FV_T_RANDOM ? CHANCE : OTHER;
}

/* "64 3x3" and "stride=2": sizes and choices; initializers, epsilons and the like are for `summary`. What has a row of its own is
 * left out. */
static void main_fields(const fv_node *node, fv_text *out) {
    fv_field some[64];
    fv_op op = *node->op;
    op.fields = some;
    op.field_count = 0;
    for (int i = 0; i < node->op->field_count && op.field_count < 64; i++) {
        const fv_field *f = &node->op->fields[i];
        bool number = f->kind == FV_FIELD_FLOAT ? f->positional : f->kind != FV_FIELD_TEXT && f->kind != FV_FIELD_BOOL;
        if (number && f->choices != &fv_activation_choices) some[op.field_count++] = *f;
    }
    fv_fields_to_text(&op, node->fields, out);
}

/* Adds text with a × between digits. */
static void add_sizes(fv_text *out, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        bool times = text[i] == 'x' && i > 0 && text[i - 1] >= '0' && text[i - 1] <= '9' && text[i + 1] >= '0' &&
                     text[i + 1] <= '9';
        char one[2] = {text[i], 0};
        if (times)
            fv_text_add(out, "\xc3\x97");
        else
            add_escaped(out, one, false);
    }
}

static const char *last_part(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

/* Is the name just the operator's with its ordinal? */
static bool plain_name(const fv_node *node) {
    const char *local = last_part(node->name);
    size_t length = strlen(node->op->name);
    return node->sugar_of >= 0 ||
           (!strncmp(local, node->op->name, length) && !local[length + strspn(local + length, "0123456789")]);
}

/* ---- boxes ------------------------------------------------------------------------------------------------------ */

#define GREY "#68737c"

static void write_row(writer *w, int n) {
    const fv_node *node = &w->d->net->nodes[n];
    fv_text fields = {0};
    main_fields(node, &fields);
    const char *text = fields.data ? fields.data : "", *key = strchr(text, '=');
    size_t bare = strlen(text);
    if (key) {
        while (key > text && key[-1] != ' ') key--;
        bare = (size_t)(key - text);
    }
    while (bare && text[bare - 1] == ' ') bare--;
    fv_text_printf(&w->out, "<TR><TD BGCOLOR=\"%s\">", colours[kind_of(w->d, n)]);
    if (!plain_name(node)) {
        fv_text_add(&w->out, "<FONT COLOR=\"" GREY "\">");
        add_escaped(&w->out, last_part(node->name), false);
        fv_text_add(&w->out, "</FONT>&#160;&#160;");
    }
    fv_text_add(&w->out, "<B>");
    add_escaped(&w->out, node->op->name, false); /* one run of text: viewers have fonts of other widths */
    if (bare) fv_text_add(&w->out, " ");
    add_sizes(&w->out, text, bare);
    fv_text_add(&w->out, "</B>");
    if (key) {
        fv_text_add(&w->out, "<BR/><FONT POINT-SIZE=\"9\" COLOR=\"" GREY "\">");
        add_sizes(&w->out, key, strlen(key));
        fv_text_add(&w->out, "</FONT>");
    }
    fv_text_add(&w->out, "</TD></TR>");
    w->out.failed = w->out.failed || fields.failed;
    fv_text_free(&fields);
}

static int64_t own_parameters(const fv_net *net, int n) {
    const fv_node *node = &net->nodes[n];
    int64_t sum = 0;
    for (int k = node->inputs; k < node->inputs + node->parameters; k++) {
        int value = node->value_in[k];
        if (value < 0 || net->values[value].kind != FV_KIND_WEIGHT || fv_draw_read(net, n, k) >= 0) continue;
        if (!fv_add_i64(sum, fv_shape_count(&net->values[value].type.shape), &sum)) return INT64_MAX;
    }
    return sum;
}

/* A line of the tip: full name and cost. */
static void write_tip(writer *w, int n) {
    int64_t parameters = own_parameters(w->d->net, n), macs = w->d->costs[n].macs;
    add_escaped(&w->out, w->d->net->nodes[n].name, true);
    if (parameters) fv_text_printf(&w->out, ": %" PRId64 " parameters", parameters);
    if (macs) fv_text_printf(&w->out, "%s%" PRId64 " multiply-adds", parameters ? ", " : ": ", macs);
}

static void write_round(writer *w, const char *id, int number, const char *name) {
    fv_text_printf(
        &w->out,
        "%s%d [shape=box style=\"rounded,filled\" fillcolor=\"#3d4a54\" color=\"#3d4a54\" fontcolor=\"white\" "
        "margin=\"0.12,0.04\" height=0.3 label=<<B>",
        id, number);
    add_escaped(&w->out, name, false);
    fv_text_add(&w->out, "</B>> tooltip=\"");
    add_escaped(&w->out, name, true);
    fv_text_add(&w->out, "\"]\n");
}

static void write_box(writer *w, int b) {
    const fv_box *box = &w->d->boxes[b];
    if (box->same != b) return;
    if (box->head < 0) {
        write_round(w, "b", b, w->d->net->values[box->value].name);
        return;
    }
    fv_text_printf(
        &w->out,
        "b%d [label=<<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\" CELLPADDING=\"4\" COLOR=\"#8a959d\">", b);
    for (int n = box->head; n >= 0; n = w->d->row_next[n]) write_row(w, n);
    fv_text_add(&w->out, "</TABLE>> tooltip=\"");
    for (int n = box->head; n >= 0; n = w->d->row_next[n]) {
        write_tip(w, n);
        if (w->d->row_next[n] >= 0) fv_text_add(&w->out, "\\n");
    }
    fv_text_add(&w->out, "\"]\n");
}

/* ---- groups ----------------------------------------------------------------------------------------------------- */

/* "64 → 256 channels", or the whole shapes where more than the channels differ. */
static void add_change(fv_text *out, const fv_type *from, const fv_type *to, const char *line_end) {
    fv_type like = *from;
    int last = like.shape.rank - 1;
    if (last >= 0 && to->shape.rank == like.shape.rank) like.shape.dim[last] = to->shape.dim[last];
    if (last > 0 && fv_shape_equal(&like.shape, &to->shape)) {
        fv_text_printf(out, "%" PRId64 " \xe2\x86\x92 %" PRId64 "%schannels", from->shape.dim[last],
                       to->shape.dim[last], line_end);
        return;
    }
    add_shape(out, from);
    fv_text_add(out, " \xe2\x86\x92 ");
    add_shape(out, to);
}

/* "basic ×3", with what goes in and comes out where the repetitions differ in that. Returns its width in characters. */
static int write_caption(writer *w, const fv_group *g, const char *line_end) {
    const fv_drawing *d = w->d;
    const char *local = g->name + g->local;
    int width = (int)strlen(local);
    if (g->repeats < 2) {
        add_escaped(&w->out, local, false);
        return width;
    }
    fv_text word = {0}, ends = {0};
    while (width > 1 && local[width - 1] >= '0' && local[width - 1] <= '9') width--;
    fv_text_add_n(&word, local, (size_t)width);
    add_escaped(&w->out, word.data ? word.data : "", false);
    fv_text_printf(&w->out, " \xc3\x97%d", g->repeats);
    if (g->read >= 0 && !fv_shape_equal(&d->types[g->read].shape, &d->types[g->made].shape)) {
        add_change(&ends, &d->types[g->read], &d->types[g->made], line_end);
        fv_text_printf(&w->out, "%s%s", line_end, ends.data ? ends.data : "");
    }
    w->out.failed = w->out.failed || word.failed || ends.failed;
    width = (int)(ends.length > (size_t)width + 4 ? ends.length : (size_t)width + 4);
    fv_text_free(&word);
    fv_text_free(&ends);
    return width;
}

/* In the left half of the frame, so that the arrow into the block does not cross it. */
static void write_frame_label(writer *w, const fv_group *g) {
    fv_text_add(&w->out, "label=<<TABLE BORDER=\"0\" CELLPADDING=\"0\"><TR><TD ALIGN=\"LEFT\">");
    int width = write_caption(w, g, "<BR ALIGN=\"LEFT\"/>");
    fv_text_printf(&w->out, "<BR ALIGN=\"LEFT\"/></TD><TD WIDTH=\"%d\"></TD></TR></TABLE>>",
                   5 * (width < 24 ? width : 24));
}

/* A frame around one thing says nothing. */
static bool framed(const fv_drawing *d, const fv_group *g) {
    int shown = 0;
    for (int item = g->first; item >= 0; item = fv_item_next(d, item))
        if (!fv_item_is_group(item) || d->groups[item / 2].repeats) shown++;
    return shown > 1 || g->repeats > 1;
}

/* A whole block as one box. */
static void write_closed(writer *w, int number) {
    const fv_drawing *d = w->d;
    const fv_group *g = &d->groups[number];
    int layers = 0;
    int64_t parameters = 0;
    for (int place = g->from; place < d->groups[g->last].to; place++)
        for (int n = d->boxes[d->order[place]].head; n >= 0; n = d->row_next[n]) {
            layers++;
            if (!fv_add_i64(parameters, own_parameters(d->net, n), &parameters)) parameters = INT64_MAX;
        }
    fv_text_printf(&w->out,
                   "g%d [label=<<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\" CELLPADDING=\"5\" "
                   "COLOR=\"#8a959d\"><TR><TD "
                   "BGCOLOR=\"#eef2f5\"><B>",
                   number);
    write_caption(w, g, "<BR/>");
    fv_text_printf(&w->out, "</B><BR/><FONT POINT-SIZE=\"9\" COLOR=\"" GREY "\">%d layers", layers);
    fv_text_add(&w->out, "</FONT></TD></TR></TABLE>> tooltip=\"");
    add_escaped(&w->out, g->name, true);
    fv_text_printf(&w->out, ": %" PRId64 " parameters\"]\n", parameters);
}

static void write_items(writer *w, int item, int depth) {
    for (; item >= 0; item = fv_item_next(w->d, item)) {
        const fv_group *g = &w->d->groups[item / 2];
        if (!fv_item_is_group(item)) {
            write_box(w, item / 2);
        } else if (!g->repeats) {
            continue;
        } else if (w->options->blocks) {
            write_closed(w, item / 2);
        } else if (!framed(w->d, g)) {
            write_items(w, g->first, depth);
        } else {
            fv_text_printf(&w->out, "subgraph cluster_%d {\n", item / 2);
            write_frame_label(w, g);
            fv_text_printf(&w->out, " bgcolor=\"%s\" tooltip=\"", depth % 2 ? "#ffffff" : "#f4f6f8");
            add_escaped(&w->out, g->name, true);
            fv_text_add(&w->out, "\"\n");
            write_items(w, g->first, depth + 1);
            fv_text_add(&w->out, "}\n");
        }
    }
}

/* ---- arrows ----------------------------------------------------------------------------------------------------- */

/* What stands for a box in the picture: its letter and number. */
typedef struct end {
    char letter;
    int number;
} end;

static end end_of(const writer *w, int box) {
    int shown = fv_draw_shown(w->d, box), group = w->d->boxes[shown].group;
    if (!w->options->blocks || group < 0) return (end){'b', shown};
    while (w->d->groups[group].parent >= 0) group = w->d->groups[group].parent;
    return (end){'g', group};
}

/* An arrow from the coarse, wide part of the net to the part that climbs back to its sizes, other than through the bottom. */
static bool goes_across(const writer *w, int from, int to) {
    const fv_box *a = &w->d->boxes[from], *b = &w->d->boxes[to];
    return b->climbs && !a->climbs && !(b->head >= 0 && w->d->costs[b->head].upsamples);
}

/* `faint`: its numbers are not what is computed on. */
static void write_arrow(writer *w, int value, int to, bool faint) {
    int from = w->d->box_of[value];
    end a = end_of(w, from), b = end_of(w, to);
    if (a.letter == b.letter && a.number == b.number) return;
    bool across = w->returns && goes_across(w, from, to), up = w->returns && !across && w->d->boxes[to].climbs;
    if (up)
        fv_text_printf(&w->out, "%c%d -> %c%d [dir=back label=\" ", b.letter, b.number, a.letter, a.number);
    else
        fv_text_printf(&w->out, "%c%d -> %c%d [%s=\" ", a.letter, a.number, b.letter, b.number,
                       across && !w->options->blocks ? "xlabel"
                                                     : "label"); /* else an arrow that bends would run through it */
    add_shape(&w->out, &w->d->types[value]);
    fv_text_printf(&w->out, "\"%s%s]\n", across ? " minlen=0 weight=20" : "", faint ? " style=dashed" : "");
}

static void write_arrows_to(writer *w, int b) {
    const fv_drawing *d = w->d;
    end to = end_of(w, b);
    int key = to.letter == 'b' ? to.number : d->box_count + to.number;
    for (int n = d->boxes[b].head; n >= 0; n = d->row_next[n]) {
        const fv_node *node = &d->net->nodes[n];
        for (int i = 0; i < node->inputs + node->parameters; i++) {
            int value = fv_draw_read(d->net, n, i);
            if (value < 0 || d->box_of[value] == b || d->box_of[value] < 0 || w->arrow_to[value] == key) continue;
            w->arrow_to[value] = key;
            write_arrow(w, value, b, guides(node, i));
        }
    }
}

static void write_output(writer *w, int number, int value, const char *name) {
    int box = w->d->box_of[value];
    if (box < 0) return;
    end from = end_of(w, box);
    bool up = w->returns && w->d->boxes[box].climbs;
    write_round(w, "out", number, name);
    if (up)
        fv_text_printf(&w->out, "out%d -> %c%d [dir=back label=\" ", number, from.letter, from.number);
    else
        fv_text_printf(&w->out, "%c%d -> out%d [label=\" ", from.letter, from.number, number);
    add_shape(&w->out, &w->d->types[value]);
    fv_text_add(&w->out, "\"]\n");
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

static bool comes_back(const writer *w) {
    const fv_drawing *d = w->d;
    for (int n = 0; n < d->net->node_count; n++) {
        const fv_node *node = &d->net->nodes[n];
        int to = node->outputs > 0 ? d->box_of[node->value_out[0]] : -1;
        for (int i = 0; to >= 0 && i < node->inputs; i++)
            if (d->box_of[node->value_in[i]] >= 0 && goes_across(w, d->box_of[node->value_in[i]], to)) return true;
    }
    return false;
}

static void write_all(writer *w) {
    const fv_drawing *d = w->d;
    w->returns = comes_back(w);
    fv_text_printf(
        &w->out,
        "digraph net {\n"
        "graph [charset=\"UTF-8\" rankdir=%s nodesep=%s ranksep=0.28 newrank=true "
        "fontname=\"Helvetica,Arial,sans-serif\" "
        "fontsize=10 fontcolor=\"" GREY "\" color=\"#c3ccd3\" style=rounded labeljust=l]\n"
        "node [shape=plain fontname=\"Helvetica,Arial,sans-serif\" fontsize=11]\n"
        "edge [color=\"#52606a\" arrowsize=0.6 fontname=\"Helvetica,Arial,sans-serif\" fontsize=9 fontcolor=\"" GREY
        "\"]\n",
        w->options->across ? "LR" : "TB", w->returns ? "0.7" : "0.3");
    write_items(w, d->first, 0);
    for (int place = 0; place < d->box_count; place++)
        if (d->boxes[d->order[place]].same == d->order[place]) write_arrows_to(w, d->order[place]);
    for (int i = 0; i < d->net->output_count; i++)
        write_output(w, i, d->net->outputs[i].value, d->net->outputs[i].name);
    if (!d->net->output_count && fv_net_output_value(d->net) >= 0)
        write_output(w, 0, fv_net_output_value(d->net), "output");
    fv_text_add(&w->out, "}\n");
}

static fv_status draw(const fv_drawing *d, const fv_dot_options *options, char **out, fv_error *error) {
    writer w = {.d = d, .options = options};
    w.arrow_to = fv_alloc_array((size_t)d->net->value_count + 1, sizeof *w.arrow_to);
    if (!w.arrow_to) return fv_fail(error, FV_E_MEMORY, "not enough memory for the drawing");
    for (int v = 0; v < d->net->value_count; v++) w.arrow_to[v] = -1;
    write_all(&w);
    fv_free(w.arrow_to);
    *out = fv_text_take(&w.out);
    return *out ? FV_OK : fv_fail(error, FV_E_MEMORY, "not enough memory for the drawing");
}

char *fv_net_dot_with(fv_net *net, fv_error *error, const fv_dot_options *given) {
    fv_dot_options options = {0};
    fv_drawing d = {0};
    char *text = NULL;
    if (given) memcpy(&options, given, given->size < sizeof options ? given->size : sizeof options);
    if (fv_net_check(net, error)) return NULL;
    fv_status status = fv_drawing_make(&d, net, options.input.rank ? &options.input : NULL, error);
    if (!status && !options.unfolded) status = fv_drawing_fold(&d, error);
    if (!status) draw(&d, &options, &text, error);
    fv_drawing_free(&d);
    return text;
}
