/* groups.c - weights that are trained otherwise than the rest:
 *
 *   groups="conv*.weight: muon(rate=0.24); whiten.bias: sgd(rate=100) linear(epochs=3); *.bias, *.scale: decay=0"
 *
 * Groups are separated by ';'. Before the ':' stand patterns of names of weights or layers, behind it, separated by blanks, an
 * optimizer, a schedule, and factors of the optimizer's own numbers (rate=2, decay=0). A weight is of the first group that
 * has a pattern for it. What a group does not say is as for all other weights, which are group 0. */
#include <ctype.h>
#include <fnmatch.h>
#include <math.h>
#include <string.h>

#include "train.h"

bool fv_name_matches(const char *patterns, const char *name) {
    char pattern[128];
    for (const char *from = patterns; *from;) {
        from += strspn(from, ", ");
        size_t length = strcspn(from, ", ");
        if (!length || length >= sizeof pattern) return false;
        memcpy(pattern, from, length);
        pattern[length] = 0;
        if (fnmatch(pattern, name, 0) == 0) return true;
        from += length;
    }
    return false;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static bool is_optimizer(const char *item) {
    size_t length = strcspn(item, "(");
    for (int i = 0; i < fv_optimizer_count(); i++)
        if (strlen(fv_optimizers[i].name) == length && !strncmp(fv_optimizers[i].name, item, length)) return true;
    return false;
}

/* "rate=2" and "decay=0". */
static fv_status read_factor(const char *item, fv_weight_group *group, fv_error *error) {
    double *to = !strncmp(item, "rate=", 5)    ? &group->rate_factor
                 : !strncmp(item, "decay=", 6) ? &group->decay_factor
                                               : NULL;
    if (!to)
        return fv_fail(error, FV_E_SYNTAX, "groups: expected an optimizer, a schedule, rate= or decay=, got '%.60s'",
                       item);
    if (fv_parse_double(strchr(item, '=') + 1, to) && *to >= 0 && isfinite(*to)) return FV_OK;
    return fv_fail(error, FV_E_SYNTAX, "groups: expected a factor of 0 or more, got '%.60s'", item);
}

static fv_status read_item(const char *item, fv_weight_group *group, fv_error *error) {
    if (strchr(item, '=') && strcspn(item, "=") < strcspn(item, "(")) return read_factor(item, group, error);
    if (is_optimizer(item)) {
        group->own_rate = true;
        group->optimizer = fv_find_optimizer(item, group->arguments, error);
        return group->optimizer ? FV_OK : fv_failed(error);
    }
    group->own_plan = true;
    return fv_rate_plan_read(item, &group->plan, error);
}

/* The word at *text, up to a blank outside of parentheses; false at the end. */
static bool next_item(const char **text, const char *end, char *out, size_t size, bool *good) {
    const char *from = *text;
    while (from < end && isspace((unsigned char)*from)) from++;
    const char *to = from;
    for (int depth = 0; to < end && (depth > 0 || !isspace((unsigned char)*to)); to++)
        depth += (*to == '(') - (*to == ')');
    *text = to;
    *good = (size_t)(to - from) < size;
    if (to == from || !*good) return false;
    memcpy(out, from, (size_t)(to - from));
    out[to - from] = 0;
    return true;
}

static fv_status read_group(const char *from, const char *end, fv_weight_group *group, fv_error *error) {
    const char *colon = memchr(from, ':', (size_t)(end - from));
    int length = end - from > 80 ? 80 : (int)(end - from);
    if (!colon)
        return fv_fail(error, FV_E_SYNTAX, "groups: expected NAMES: OPTIMIZER, SCHEDULE or factors, got '%.*s'", length,
                       from);
    while (from < colon && isspace((unsigned char)*from)) from++;
    if (from == colon || (size_t)(colon - from) >= sizeof group->names)
        return fv_fail(error, FV_E_SYNTAX, "groups: expected names of 1 to %zu characters before ':'",
                       sizeof group->names - 1);
    memcpy(group->names, from, (size_t)(colon - from));
    char item[256];
    bool good;
    int items = 0;
    fv_status status = FV_OK;
    for (const char *at = colon + 1; !status && next_item(&at, end, item, sizeof item, &good); items++)
        status = read_item(item, group, error);
    if (status) return status;
    if (!good) return fv_fail(error, FV_E_SYNTAX, "groups: %s: a word is too long", group->names);
    return items ? FV_OK : fv_fail(error, FV_E_SYNTAX, "groups: %s: expected something behind ':'", group->names);
}

/* The decay of the group's optimizer, which every record has under this name. */
static void scale_decay(fv_weight_group *group) {
    int at = fv_spec_argument(group->optimizer->arguments, "decay");
    if (at >= 0) group->arguments[at] *= group->decay_factor;
}

fv_status fv_groups_read(const char *optimizer, const char *text, fv_weight_groups *out, fv_error *error) {
    memset(out, 0, sizeof *out);
    fv_weight_group *rest = &out->group[out->count++];
    rest->rate_factor = rest->decay_factor = 1;
    rest->optimizer = fv_find_optimizer(optimizer, rest->arguments, error);
    if (!rest->optimizer) return fv_failed(error);
    for (const char *from = fv_asked(text) ? text : "", *end; *from; from = *end ? end + 1 : end) {
        end = from + strcspn(from, ";");
        if (from + strspn(from, " \t\n") >= end) continue;
        if (out->count == FV_MAX_GROUPS)
            return fv_fail(error, FV_E_ARGUMENT, "groups: expected at most %d", FV_MAX_GROUPS - 1);
        fv_weight_group *group = &out->group[out->count];
        group->rate_factor = group->decay_factor = 1;
        fv_status status = read_group(from, end, group, error);
        if (status) return status;
        if (!group->optimizer) {
            group->optimizer = rest->optimizer;
            memcpy(group->arguments, rest->arguments, sizeof group->arguments);
        }
        scale_decay(group);
        out->count++;
    }
    return FV_OK;
}

int fv_group_of(const fv_weight_groups *groups, const fv_net *net, int value) {
    const fv_value_info *info = &net->values[value];
    for (int i = 1; i < groups->count; i++)
        if (fv_name_matches(groups->group[i].names, info->name) ||
            (info->node >= 0 && fv_name_matches(groups->group[i].names, net->nodes[info->node].name)))
            return i;
    return 0;
}

/* ---- rates ------------------------------------------------------------------------------------------------------ */

static double rate_of(const fv_weight_group *group, const fv_rate_plan *plan, double rate, int64_t step, int64_t steps,
                      int64_t epochs) {
    double base = (group->own_rate ? group->arguments[0] : rate) * group->rate_factor;
    return base * fv_rate_factor(group->own_plan ? &group->plan : plan, step, steps, epochs);
}

void fv_groups_set_rates(fv_weight_groups *groups, const fv_rate_plan *plan, double rate, int64_t step, int64_t steps,
                         int64_t epochs) {
    for (int i = 0; i < groups->count; i++)
        groups->group[i].rate = rate_of(&groups->group[i], plan, rate, step, steps, epochs);
}

void fv_groups_find_ends(fv_weight_groups *groups, const fv_rate_plan *plan, double rate, int64_t steps,
                         int64_t epochs) {
    for (int i = 0; i < groups->count; i++) {
        fv_weight_group *group = &groups->group[i];
        group->over = steps * epochs;
        while (group->over > 0 && rate_of(group, plan, rate, group->over - 1, steps, epochs) == 0) group->over--;
    }
}
