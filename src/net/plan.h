/* plan.h - a plan: the calls of a run as plain data, and one arena laid out by liveness.
 *
 * differentiate -> emit -> passes -> layout -> run. Operators emit calls over operands (single assignment); the layout
 * gives every operand an offset such that operands alive at the same time do not overlap.
 */
#ifndef FV_PLAN_H
#define FV_PLAN_H

#include "net.h"

typedef enum fv_home {
    FV_HOME_ARENA,    /* in the run's arena, alive from its first writer to its last reader */
    FV_HOME_WEIGHT,   /* the model's tensor of value `value` */
    FV_HOME_CONSTANT, /* the plan's own bytes */
    FV_HOME_VIEW      /* bytes of operand `of`, from byte offset `offset` on */
} fv_home;

typedef struct fv_operand_info {
    fv_home home;
    fv_type type;
    int value;            /* the net's value that it holds, or -1 */
    fv_operand of;        /* VIEW */
    size_t offset, bytes; /* at the planned batch; offset in the arena once laid out */
    int first, last;      /* calls between which it is alive (first writer, last reader) */
    bool pinned;          /* inputs, outputs, wanted values, gradients: alive all the time */
    bool given;           /* written from outside before a run: inputs and seeds */
    int64_t pixel; /* VIEW: a slice, whose pixels (all but the last dimension) are so many elements apart; 0: dense */
    const void *constant;
} fv_operand_info;

typedef struct fv_planned_call {
    fv_routine routine;
    const fv_kernel *kernel;
    fv_geom geom;
    fv_operand arg[FV_MAX_ARGS];
    int args;
    int node; /* whose operator emitted it, -1: the planner */
    bool backward;
    size_t scratch; /* bytes, in the arena's common scratch */
    size_t packed, packed_offset;
    int packed_arg; /* which argument is packed */
    bool packs;     /* false: shares the packed form of an earlier call */
    bool pack_now;  /* before every run of the call, in memory that such calls have in common */
} fv_planned_call;

typedef struct fv_plan_options {
    int64_t batch;
    const fv_shape *input; /* sample shape of the first data input, NULL as declared */
    bool training, losses, gradients;
    bool exact, bf16; /* see fv_geom; not both */
    const int *wanted;
    int wanted_count; /* values */
    const int *by;
    int by_count; /* values to differentiate by, besides the trainable weights if `gradients` */
    /* Differentiate sum(seed_k * output_k) instead of the losses: the run gets inputs named "d:NAME". For checks. */
    const int *seeds;
    int seed_count;
    const fv_table *table; /* NULL: fv_kernels() */
    int threads;           /* scratch is sized for so many; 0: fv_threads() */
    /* 1 + a loss of the net that counts by sample: the run gets plan->sample_weights to be filled, each sample's part of
     * this loss is multiplied by its number. 0: none. */
    int weighted_loss;
    bool no_passes;        /* the calls as the operators emit them: what the passes are checked against */
} fv_plan_options;

typedef struct fv_plan {
    fv_net *net;
    const fv_table *table;
    int64_t batch;
    /* As they were when the plan was made: the net may grow. */
    int value_count, loss_count, output_value;
    fv_type *types; /* of every value, inferred */
    fv_operand_info *operands;
    int operand_count, operand_capacity;
    fv_planned_call *calls;
    int call_count, call_capacity;
    fv_operand *of_value;    /* operand of each net value, FV_NO_OPERAND if it has none */
    fv_operand *gradient_of; /* operand of d total / d value, FV_NO_OPERAND if it has none */
    fv_operand *losses;      /* per-sample loss of net->losses[i], FV_NO_OPERAND where losses were not asked for */
    const fv_net_loss *terms; /* net->losses as they were: value and weight of each */
    const int *seed_values;  /* the values that the inputs "d:NAME" belong to */
    fv_operand *seeds;       /* and these inputs */
    int seed_count;
    int weighted_loss;         /* as in the options */
    fv_operand sample_weights; /* [N], given; FV_NO_OPERAND: every sample counts the same */
    bool changing;     /* weights change from run to run: packing them ahead would gain nothing */
    int steady_calls;  /* leading calls that depend on weights alone: run when these have changed */
    int forward_calls; /* calls before the first backward one, the steady ones included */
    int threads;       /* scratch is sized for so many */
    size_t arena_bytes, scratch_bytes, packed_bytes;
    fv_arena *memory;
} fv_plan;

fv_plan *fv_plan_new(fv_net *net, const fv_plan_options *options, fv_error *error);
void fv_plan_free(fv_plan *plan);
/* Arena, scratch and packed weights together: what a run of this plan allocates. */
size_t fv_plan_bytes(const fv_plan *plan);
/* Which backward calls (idle[call]) nobody needs when the gradients of some values (unasked[value]) are not wanted. */
fv_status fv_plan_idle_calls(const fv_plan *plan, const bool *unasked, bool *idle, fv_error *error);
/* Multiply-adds of a call as a direct sum, for the planned batch; 0 for what is no convolution or product. */
double fv_call_macs(const fv_planned_call *call);
/* One line a call: number, layer, routine, kernel, part of the expected time, operands with shape and place (28x28x64/256: a
 * slice, 64 channels of 256), whether it works in place, scratch and packed weights; then the totals. Free with
 * fv_free. */
char *fv_plan_to_text(const fv_plan *plan);

/* Weights by value id: data NULL where the value is no weight. Shared by the runs of a model. */
typedef struct fv_weights {
    fv_tensor *of;    /* value_count entries */
    uint64_t version; /* grows whenever weights change: packed forms are then stale */
} fv_weights;

/* weights->of are always f32. A run over a table of doubles makes copies of its own (at build, and when the version
 * changed), to be reached with fv_run_operand(run, plan->of_value[value]). */
fv_run *fv_run_build(fv_net *net, const fv_weights *weights, const fv_plan_options *options, fv_error *error);
const fv_plan *fv_run_plan(const fv_run *run);
/* Where training stands, for random draws. */
void fv_run_set_moment(fv_run *run, const fv_moment *moment);
/* From now on the gradients of these values (unasked[value]) are no longer made, nor what serves them alone: what stands there
 * has no meaning. */
fv_status fv_run_leave_out(fv_run *run, const bool *unasked, fv_error *error);
/* Memory of an operand's value for a run: inputs and seeds to write, anything pinned to read; weights of a double run.
 */
fv_tensor fv_run_operand(const fv_run *run, fv_operand operand);
fv_pool *fv_run_pool(const fv_run *run);
/* From now on the time of every call (packing its weights included) is added to seconds[call]; NULL: no longer. With one
 * thread its processor time, with several the time that passes. */
void fv_run_time_calls(fv_run *run, double *seconds);
/* For who puts other numbers where a run's answer was: the loss that belongs to them. */
void fv_run_set_loss(fv_run *run, double loss);

#endif
