/* draw.h - a net as boxes in nested groups, before it becomes a picture.
 *
 * A box is a stack of layers: a producer and the layers behind it that keep the shape and that nobody else watches (batch
 * norm, activation, dropout). A group is a block, known from the dots in the layers' names. Repetitions of a block, each
 * reading the one before, are folded into the first. */
#ifndef FV_DRAW_H
#define FV_DRAW_H

#include "net.h"

enum { FV_DRAW_DEPTH = 64 }; /* parts of a name beyond so many make no further groups */

typedef struct fv_box {
    int head;    /* first layer of the stack, -1: an input or a constant */
    int value;   /* that value, or the last one of the stack */
    int group;   /* -1: none */
    int place;   /* in drawing order: the boxes of a group are neighbours */
    int same;    /* itself, or the box of an earlier repetition that stands for it */
    int next;    /* item behind it in its group */
    bool climbs; /* behind an upsampling layer */
} fv_box;

typedef struct fv_group {
    const char *name; /* "stage1.block2" */
    size_t local;     /* where its last part starts */
    int parent;       /* -1: none */
    int from, to;     /* places of its boxes */
    int repeats;      /* 0: folded into an earlier one; else how many this stands for */
    int last;         /* the last of these */
    int read,
        made; /* values: what the first repetition reads from before it, what the last hands on; -1 if not folded */
    int first, end; /* items */
    int next;
    char *signature; /* what it holds, without the numbers that tell repetitions apart */
    int *outer;      /* values read from outside */
    int outer_count, outer_capacity;
} fv_group;

typedef struct fv_drawing {
    const fv_net *net;
    fv_arena *arena;
    fv_type *types;
    fv_cost *costs;  /* of each node */
    int *box_of;     /* of each value: the box that makes it, -1: not drawn */
    int *row_next;   /* of each node: the one stacked below it, -1 */
    int *readers;    /* of each value */
    int *last_place; /* of each value: its last reader; INT_MAX for outputs */
    fv_box *boxes;
    int box_count, box_capacity;
    fv_group *groups;
    int group_count, group_capacity;
    int *order; /* box at each place */
    int first, end;
} fv_drawing;

/* Items of a group: boxes and groups in the order of their first layer. -1 ends. */
static inline int fv_box_item(int box) { return 2 * box; }
static inline int fv_group_item(int group) { return 2 * group + 1; }
static inline bool fv_item_is_group(int item) { return item % 2 != 0; }
static inline int fv_item_next(const fv_drawing *d, int item) {
    return fv_item_is_group(item) ? d->groups[item / 2].next : d->boxes[item / 2].next;
}

/* The value that node n reads as its i-th (inputs, then parameters), -1 for its own parameters and absent ones. */
int fv_draw_read(const fv_net *net, int n, int i);
/* The box that stands for this one in the picture. */
int fv_draw_shown(const fv_drawing *d, int box);

fv_status fv_drawing_make(fv_drawing *d, fv_net *net, const fv_shape *input, fv_error *error);
fv_status fv_drawing_fold(fv_drawing *d, fv_error *error);
void fv_drawing_free(fv_drawing *d);

#endif
