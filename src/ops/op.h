/* op.h - WHAT an operator is: one constant record says everything that the system knows about it.
 *
 * From the record come: registry, .net language, C options (fovea_ops.h), save and load, help and docs, shape errors,
 * the gradient check, the reference-against-fast check, the round trip and the benchmark row. An operator is one file
 * here and one line in ops.def. It says what to compute by calling routines of the kernel table; it never touches
 * numbers itself.
 */
#ifndef FV_OP_H
#define FV_OP_H

#include "error.h"
#include "kernels.h"

enum { FV_MAX_PORTS = 8, FV_MAX_OUTPUTS = 8, FV_MAX_SAVED = 4, FV_MAX_EXAMPLES = 40 };

/* ---- fields -------------------------------------------------------------------------------------------------------
 */

/* In a fields struct (not in the public options): "not given" in an element of SIZES or LIST, which then equals the
 * first. */
#define FV_UNSET INT64_MIN

typedef enum fv_field_kind {
    FV_FIELD_INT,    /* int64_t */
    FV_FIELD_FLOAT,  /* double */
    FV_FIELD_BOOL,   /* bool; one that defaults to yes is `no_NAME` in C, `NAME=no` in text */
    FV_FIELD_CHOICE, /* int: index of a word; word 0 is the default */
    FV_FIELD_SIZES,  /* int64_t[3]: one number for each spatial dimension; one number alone counts for all. "3x3" */
    FV_FIELD_LIST,   /* int64_t[8]: up to eight numbers, FV_UNSET behind the last. "1,2,3" */
    FV_FIELD_TEXT    /* const char *: "he_normal", "l2(0.01)"; NULL when not given */
} fv_field_kind;

/* A list of words that a CHOICE field, or a SIZES field besides its numbers, may hold. In C word i is `prefix`WORD with
 * the value i (CHOICE) or -i (SIZES). */
typedef struct fv_choices {
    const char *type;   /* C enum: "fv_activation" */
    const char *prefix; /* "FV_" */
    const char *words[24];
} fv_choices;

typedef struct fv_field {
    const char *name;
    fv_field_kind kind;
    size_t offset; /* in the operator's fields struct */
    const char *help;
    bool positional; /* may be given without its name, in the order of the list */
    bool required;
    double min, max;           /* inclusive; both 0: any; max 0 alone: no upper bound */
    double standard;           /* the default of INT, FLOAT, BOOL and every element of SIZES */
    const char *standard_text; /* the default of TEXT; what help shows as default where `standard` says too little */
    const fv_choices *choices;
} fv_field;

/* An operator lists its fields once:
 *
 *     #define FIELDS(F) \
 *         F(conv, INT, filters, .positional = true, .required = true, .min = 1, .help = "number of output channels") \
 *         F(conv, SIZES, kernel, .positional = true, ...)
 *     FV_DEFINE_FIELDS(conv, FIELDS)
 *
 * which makes `struct conv` and `static const fv_field conv_fields[]`. */
#define FV_C_INT(name) int64_t name;
#define FV_C_FLOAT(name) double name;
#define FV_C_BOOL(name) bool name;
#define FV_C_CHOICE(name) int name;
#define FV_C_SIZES(name) int64_t name[3];
#define FV_C_LIST(name) int64_t name[8];
#define FV_C_TEXT(name) const char *name;
#define FV_FIELD_MEMBER(op, kind, name, ...) FV_C_##kind(name)
#define FV_FIELD_RECORD(op, kind, name, ...) {#name, FV_FIELD_##kind, offsetof(struct op, name), __VA_ARGS__},
#define FV_DEFINE_FIELDS(op, LIST)                                                                                     \
    struct op {                                                                                                        \
        LIST(FV_FIELD_MEMBER)                                                                                          \
    };                                                                                                                 \
    static const fv_field op##_fields[] = {LIST(FV_FIELD_RECORD)};

/* Element i of a SIZES field. */
static inline int64_t fv_size_at(const int64_t sizes[3], int i) { return sizes[i] == FV_UNSET ? sizes[0] : sizes[i]; }

/* ---- types, ports -------------------------------------------------------------------------------------------------
 */

/* dtype and shape of a value; dim[0] is FV_BATCH when the value has a batch. */
typedef struct fv_type {
    fv_dtype dtype;
    fv_shape shape;
} fv_type;
static inline bool fv_type_batched(const fv_type *t) { return t->shape.rank > 0 && t->shape.dim[0] == FV_BATCH; }
int64_t fv_type_each(const fv_type *type); /* elements of one sample (of the whole value if it has no batch) */

typedef enum fv_role {
    FV_INPUT,  /* data */
    FV_WEIGHT, /* a parameter; trainable unless infer says `fixed` */
    FV_STATE   /* running statistics: saved, not counted, not trained */
} fv_role;

typedef struct fv_port {
    const char *name; /* "x", "weight" */
    fv_role role;
    const char *help;
    bool optional;
} fv_port;

/* What infer says of one weight or state. */
typedef struct fv_parameter {
    bool absent; /* the fields say that it is not there (bias=no) */
    bool fixed;  /* counted but not trained */
    fv_shape shape;
    const char *initializer; /* "glorot_uniform"; from the operator's fields or its standard */
    const char *constraint;  /* "max_norm(2)", or NULL */
    const char *regularizer; /* "l2(0.01)", or NULL */
    /* One letter an axis: k kernel, i input channel, o output channel, c channel, n connection of a table (fans: prod(k)*i
     * and prod(k)*o). */
    const char *axes;
} fv_parameter;

/* ---- shape inference ----------------------------------------------------------------------------------------------
 */

typedef struct fv_infer {
    const struct fv_op *op;
    const void *fields;
    const char *layer; /* name, for messages */
    int inputs;        /* data inputs given */
    const fv_type *in;
    fv_type out[FV_MAX_OUTPUTS];          /* to be written */
    int outputs;                          /* to be written when it is not 1 */
    fv_parameter parameter[FV_MAX_PORTS]; /* to be written: one for each WEIGHT and STATE port, in order */
    fv_error *error;
} fv_infer;

/* "conv1 (conv): MESSAGE"; returns FV_E_SHAPE. Say what was expected and what was there. */
fv_status fv_infer_fail(fv_infer *infer, const char *format, ...) FV_PRINTF(2, 3);

/* ---- cost ---------------------------------------------------------------------------------------------------------
 */

typedef struct fv_site {
    const struct fv_op *op;
    const void *fields;
    int inputs, outputs, parameters;
    const fv_type *in, *out;
    const fv_parameter *parameter;
} fv_site;

typedef struct fv_cost {
    int64_t macs; /* multiply-adds for one sample */
    /* How the rows of the input that one cell sees grow: extent rows of the input's grid, `stride` rows apart.
     * 1 and 1 for elementwise; extent 0: the notion ends here (flatten, dense over pixels); extent -1: the whole
     * picture. */
    int64_t extent, stride;
    bool upsamples; /* stride counts output rows per input row */
} fv_cost;

/* ---- emitting calls -----------------------------------------------------------------------------------------------
 */

/* A block of memory in a plan. Each is written by one call (single assignment; states are the exception). */
typedef int32_t fv_operand;
enum { FV_NO_OPERAND = -1 };

/* The plan under construction, as the operator of one application sees it. */
typedef struct fv_emit fv_emit;

const void *fv_emit_fields(const fv_emit *e);
bool fv_emit_training(const fv_emit *e); /* dropout drops, batch norm uses the batch */
int fv_emit_inputs(const fv_emit *e);
int fv_emit_outputs(const fv_emit *e);
uint64_t fv_emit_key(const fv_emit *e); /* hash of the application's name, for random draws */
const fv_type *fv_in_type(const fv_emit *e, int i);
const fv_type *fv_out_type(const fv_emit *e, int i);
const fv_type *fv_weight_type(const fv_emit *e, int k);

/* Operands in forward and backward: data input i, parameter k (in port order; FV_NO_OPERAND if absent), output i. */
fv_operand fv_in(const fv_emit *e, int i);
fv_operand fv_weight(const fv_emit *e, int k);
fv_operand fv_out(const fv_emit *e, int i);
/* In forward: output i is the same bytes as this operand (a view). */
void fv_out_is(fv_emit *e, int i, fv_operand operand);

/* In backward: the gradient of output i (FV_NO_OPERAND if nobody differentiates through it). */
fv_operand fv_d_out(const fv_emit *e, int i);
/* Is the gradient of this input or parameter wanted? Ask before emitting. */
bool fv_wants_d_in(const fv_emit *e, int i);
bool fv_wants_d_weight(const fv_emit *e, int k);
/* A new operand for it; when a value is read several times the contributions are added up behind the scenes. */
fv_operand fv_d_in(fv_emit *e, int i);
fv_operand fv_d_weight(fv_emit *e, int k);
/* The gradient of input i is this operand itself (add, flatten). */
void fv_d_in_is(fv_emit *e, int i, fv_operand operand);

/* Working memory that other calls of this application read; `type` may have a batch. */
fv_operand fv_temp(fv_emit *e, const fv_type *type);
/* A constant of the plan. The bytes are copied. */
fv_operand fv_constant(fv_emit *e, const fv_type *type, const void *data);
/* Memory that lives as long as the plan, for tables that a geometry points to; NULL (and remembered) when memory is
 * short. */
void *fv_emit_memory(fv_emit *e, size_t bytes);
/* The plan cannot be made: "NAME (op): WHY". */
void fv_emit_refuse(fv_emit *e, const char *why);
/* Hands an operand from forward to backward. */
void fv_save(fv_emit *e, int slot, fv_operand operand);
fv_operand fv_saved(const fv_emit *e, int slot);

/* A geometry with n, batched, exact and training filled in for calls over values of this type. */
fv_geom fv_geom_for(const fv_emit *e, const fv_type *type);
/* Adds a call; the element size of a COPY is filled in from its result's type. Failure is remembered in e and reported
 * by the planner, so operators need not check. */
void fv_emit_call(fv_emit *e, fv_routine routine, const fv_geom *geom, const fv_operand *args, int count);
#define FV_CALL(e, routine, geom, ...)                                                                                 \
    fv_emit_call(e, routine, geom, (const fv_operand[]){__VA_ARGS__},                                                  \
                 (int)(sizeof((const fv_operand[]){__VA_ARGS__}) / sizeof(fv_operand)))

/* ---- examples -----------------------------------------------------------------------------------------------------
 */

/* A worked example: what goes in and what must come out, exactly or to 1e-5 relative. Tensors as text with their shape
 * in front, batch included: "1x2x2x1: 1 2 ; 3 4"; semicolons are for the eye; fractions as -1/2. A tensor may also be
 * "2x5x5x3" alone: some fixed small numbers (then `out` may be empty and the example serves the checks only). The
 * shapes of the examples are those of the gradient check and of every other check derived from the record. */
typedef struct fv_example {
    const char *title;  /* "vertical edges (lecture 1)"; NULL: not shown by selftest */
    const char *fields; /* as in the language */
    const char *in[4];
    const char *weight[4]; /* empty: as the initializer draws them */
    const char *out[2];
    bool training;    /* run in training mode */
    bool no_gradient; /* random, or has a kink at these numbers */
    bool given;       /* the checks keep these numbers, instead of drawing some of both signs */
    bool figures;     /* not run: the shape of out[0] and the counts below are what it shows */
    int64_t parameters, macs;
} fv_example;

/* An example with one input and no run: what comes out and what it costs. */
#define FV_FIGURES(TITLE, FIELDS, IN, OUT, PARAMETERS, MACS)                                                           \
    {                                                                                                                  \
        .title = TITLE, .fields = FIELDS, .in = {IN}, .out = {OUT}, .figures = true, .parameters = PARAMETERS,         \
        .macs = MACS                                                                                                   \
    }

/* ---- the record ---------------------------------------------------------------------------------------------------
 */

enum {
    FV_T_ELEMENTWISE = 1, /* output cell depends on the same cell of the inputs */
    FV_T_VIEW = 2,        /* same bytes, other shape */
    FV_T_ACTIVATION = 4,  /* may stand in an `activation` field, and in an epilogue */
    FV_T_EPILOGUE = 8,    /* its routine takes bias, add and activation on the way out */
    FV_T_AFFINE = 16,     /* per-channel affine when frozen: can be folded into a convolution before it */
    FV_T_LOSS = 32,       /* the first output is one number a sample, to be minimised */
    FV_T_RANDOM = 64,     /* draws in training */
    FV_T_TRAINING = 128,  /* behaves differently in training */
    FV_T_EMPTY = 256,     /* works where a size is 0 */
    FV_T_WHOLE = 512      /* results are never real numbers: there is nothing to differentiate */
};

typedef struct fv_op {
    const char *name, *summary;
    const char *details; /* formula, conventions and source; paragraphs for help and docs */
    const fv_field *fields;
    int field_count;
    size_t fields_size;
    fv_port ports[FV_MAX_PORTS];         /* inputs first, then parameters; name NULL ends */
    bool variadic;                       /* the last INPUT port may be given any number of times */
    const char *outputs[FV_MAX_OUTPUTS]; /* names; NULL: one output "y" */
    unsigned traits;
    /* How an application's output is read by a loss that wants logits: the index of the input that holds them, plus 1
     * (softmax, sigmoid). 0: not such an operator. */
    int logits_input;
    const char *onnx; /* its ONNX counterpart, for help */
    /* Bit i: input i only guides, by its shape or by where its maxima are. No gradient goes to it, and no cell sees
     * through it. */
    unsigned guides;

    fv_status (*infer)(fv_infer *infer);
    void (*cost)(const fv_site *site, fv_cost *cost); /* NULL: no multiply-adds, extent 1 */
    void (*forward)(fv_emit *e);
    void (*backward)(fv_emit *e); /* NULL: not differentiable */
    /* The epilogue that this activation is (FV_T_ACTIVATION that are elementwise). */
    fv_epilogue (*as_epilogue)(const void *fields);
    fv_example examples[FV_MAX_EXAMPLES];
    const void *self; /* a custom operator's own record */
} fv_op;

#define FV_FIELDS(op)                                                                                                  \
    .fields = op##_fields, .field_count = (int)(sizeof op##_fields / sizeof op##_fields[0]),                           \
    .fields_size = sizeof(struct op)

/* The registry: every line of ops.def. */
extern const fv_op *const fv_ops[];
int fv_ops_count(void);
const fv_op *fv_find_op(const char *name); /* NULL if unknown */
const fv_field *fv_find_field(const fv_op *op, const char *name);

/* "default 1; at least 1", with `words` also "; words: valid, same": for help and for the comments of the C header. */
struct fv_text;
void fv_field_notes(const fv_field *field, bool words, struct fv_text *out);

/* Fields of the same meaning in several operators. The net carries them out for every operator that has them: it
 * applies the activation behind the operator, makes penalty losses of the regularizers. Initializers and constraints
 * are passed on by infer. */
extern const fv_choices fv_activation_choices, fv_padding_choices;
#define FV_ACTIVATION_FIELD(F, op)                                                                                     \
    F(op, CHOICE, activation, .choices = &fv_activation_choices, .help = "operator applied to the result")

#endif
