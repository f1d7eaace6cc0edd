/* weight_names.h - rules that give the weights of a net the names that they have elsewhere.
 *
 * A name is translated from left to right, one rule after the other, as a path of blocks is read:
 *
 *     stage{s}         -> layer{s}           whole parts; {s} is a number
 *     .block{b}        -> .{b-1}             with a point in front: not at the start of a name
 *       .main          -> .bn2               further in: only behind the rule above; looked at first there
 *     .cbr{c}.conv1    -> .conv{c}           the first rule that fits what is left of the name is used
 *     inception{n}     -> Mixed_{n: 5b 5c}   one of a list: 1 is the first
 *     stage{s}.conv{c} -> features.{2#+s-3}  # counts from 1 the layers (or blocks) that the rule has met in the net
 *     .bias                                  stays as it is
 *     middle = inception4                    a name of the net's own that is translated as another one would be
 *     preprocess scale=1/255 mean=0.5        what such weights want of pictures, as in the network language
 *
 * Lines that start with # are comments. Behind all rules stand those for PyTorch's names of a layer's numbers (scale is weight,
 * mean is running_mean, ...). */
#ifndef FV_WEIGHT_NAMES_H
#define FV_WEIGHT_NAMES_H

#include "error.h"
#include "text.h"

typedef struct fv_weight_names fv_weight_names;

/* `file` is used in messages. The text must outlive the rules. */
fv_weight_names *fv_weight_names_parse(const char *text, const char *file, fv_error *error);
void fv_weight_names_free(fv_weight_names *names);
const char *fv_weight_names_preprocess(const fv_weight_names *names); /* what follows the word, or NULL */

/* Begins a net: what # counts is forgotten. */
void fv_weight_names_restart(fv_weight_names *names);
/* Adds the other name of `weight` to `out`. The weights of a net come in its order, and their names live until the
 * restart. False if no rule fits somewhere (then `out` ends in the middle). */
bool fv_weight_names_translate(fv_weight_names *names, const char *weight, fv_text *out);

#endif
