/* fovea.h - convolutional networks in C: describe, train, look inside, use, ship.
 *
 * This is the one public door of libfovea. It is C11 and also valid C++20.
 *
 * Ownership   What you create you free; everything else is borrowed from the object it came from and lives as long as
 *             that object. Freeing NULL is fine.
 * Errors      Calls that can fail return a status, or NULL, and write one sentence into the caller's fv_error (which
 * may be NULL). The library never prints, aborts or exits because of what it was given. Options     Functions with
 * options take a struct through a macro: fv_fit(model, data, &error, .epochs = 5). Zero is always the default; where a
 * true zero is meant, say FV_ZERO. Threads     One object is used by one thread at a time, except that a model may be
 * read by several runs at once. Layout      Pictures are channels last: (batch, height, width, channels); sequences
 * (batch, length, channels); volumes (batch, depth, height, width, channels). Row-major.
 */
#ifndef FOVEA_H
#define FOVEA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FV_VERSION_MAJOR 0
#define FV_VERSION_MINOR 1
#define FV_VERSION_PATCH 0

#if defined(__GNUC__) || defined(__clang__)
#define FV_API __attribute__((visibility("default")))
#define FV_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define FV_API
#define FV_PRINTF(text, first)
#endif

/* An options struct written at the call: FV_OPTIONS(fv_fit_options, .epochs = 5). Lives until the end of the block in
 * C, of the full expression in C++. */
#ifdef __cplusplus
template <class T> inline const T *fv_address_of(const T &options) { return &options; }
#define FV_OPTIONS(type, ...) fv_address_of(type{.size = sizeof(type) __VA_OPT__(, ) __VA_ARGS__})
extern "C" {
#else
#define FV_OPTIONS(type, ...) (&(type){.size = sizeof(type), __VA_ARGS__})
#endif

/* In an options struct a plain 0 asks for the default. FV_ZERO asks for the number 0 (integer and float fields alike).
 */
#define FV_ZERO (-0x7fffffff)

/* ---- version ---------------------------------------------------------------------------------------------------- */

/* "0.1.0" */
FV_API const char *fv_version(void);

/* ---- errors ----------------------------------------------------------------------------------------------------- */

typedef enum fv_status {
    FV_OK = 0,
    FV_E_ARGUMENT,    /* a value that the caller gave is out of its range */
    FV_E_SYNTAX,      /* the text of a network cannot be read */
    FV_E_SHAPE,       /* shapes or types do not fit together */
    FV_E_FILE,        /* a file cannot be opened, read or written */
    FV_E_FORMAT,      /* a file's content is not what it claims to be */
    FV_E_MEMORY,      /* not enough memory */
    FV_E_UNSUPPORTED, /* valid, but this build cannot do it */
    FV_E_CANCELLED,   /* a callback asked to stop */
    FV_E_NUMBER       /* a result is not finite */
} fv_status;

/* What went wrong, in one sentence: what, where, expected, got. Written only when a call fails. */
typedef struct fv_error {
    fv_status status;
    int line, column; /* place in a text, from 1; 0 where there is none */
    char file[256];   /* name of the file or text; empty where there is none */
    char message[512];
} fv_error;

/* "shape error"; never NULL */
FV_API const char *fv_status_name(fv_status status);

/* Writes "file:line:column: message" (as far as each is known) into `out` of `size` bytes; returns `out`. */
FV_API const char *fv_error_text(const fv_error *error, char *out, size_t size);

/* Frees text and arrays that the library handed over (each such function says so). */
FV_API void fv_free(void *memory);

/* ---- tensors ---------------------------------------------------------------------------------------------------- */

typedef enum fv_dtype { FV_NO_DTYPE = 0, FV_F32, FV_F64, FV_I32, FV_I64, FV_U8, FV_BOOL } fv_dtype;

enum { FV_MAX_RANK = 8 };

/* In a shape of a network (not of a tensor) a dimension may be symbolic. */
enum { FV_BATCH = -1, FV_OPEN = -2 };

typedef struct fv_shape {
    int rank;
    int64_t dim[FV_MAX_RANK];
} fv_shape;

/* A plain view of numbers; whoever made it says who owns `data`. */
typedef struct fv_tensor {
    fv_dtype dtype;
    fv_shape shape;
    void *data;
} fv_tensor;

FV_API size_t fv_dtype_size(fv_dtype dtype);          /* bytes of one element */
FV_API const char *fv_dtype_name(fv_dtype dtype);     /* "f32" */
FV_API fv_dtype fv_dtype_from_name(const char *name); /* FV_NO_DTYPE if unknown */
FV_API int64_t fv_shape_count(const fv_shape *shape); /* elements; symbolic dimensions count as 1 */
FV_API bool fv_shape_equal(const fv_shape *a, const fv_shape *b);
/* "Nx28x28x1": batch as N, open dimensions as ?, rank 0 as "scalar". Returns `out`. */
FV_API const char *fv_shape_text(const fv_shape *shape, char *out, size_t size);

/* A tensor with zeroed memory of its own; free its data with fv_free. data is NULL when memory is short. */
FV_API fv_tensor fv_tensor_new(fv_dtype dtype, const fv_shape *shape);

/* ---- networks --------------------------------------------------------------------------------------------------- */

/* A directed acyclic graph of operator applications with named inputs and outputs. */
typedef struct fv_net fv_net;

/* One result in a net. Inputs, parameters and constants are values too. A builder that was given something wrong
 * returns the bad value (id -1), every builder passes it on, and fv_net_check reports the first error. */
typedef struct fv_value {
    fv_net *net;
    int32_t id;
} fv_value;

FV_API fv_net *fv_net_new(void); /* NULL when memory is short */
FV_API void fv_net_free(fv_net *net);

/* "name=value" for a file-level `param` of a .net text. */
typedef struct fv_setting {
    const char *name, *value;
} fv_setting;

/* Reads a network from text (docs/language.md). `name` is used in messages. NULL and *error on a mistake. */
FV_API fv_net *fv_net_parse(const char *text, const char *name, const fv_setting *settings, int count, fv_error *error);
/* The same from a file, or, when no such file exists, from the zoo ("lenet5" or "lenet5.net"). */
FV_API fv_net *fv_net_load(const char *path, const fv_setting *settings, int count, fv_error *error);
/* The text of the net in .net language, settings applied; parsing it gives the same net, names included. Free with
 * fv_free. */
FV_API char *fv_net_text(const fv_net *net);

/* The value of a `preprocess`, `augment` or `train` line ("train", "epochs"), NULL if it is not there. */
FV_API const char *fv_net_get(const fv_net *net, const char *section, const char *key);

/* The networks that the library carries, by name in order. fv_zoo_text: its text, or NULL if there is none of that name. */
FV_API int fv_zoo_count(void);
FV_API const char *fv_zoo_name(int index);
FV_API const char *fv_zoo_text(const char *name);

/* The first error of any builder, else the shapes of the whole graph. */
FV_API fv_status fv_net_check(fv_net *net, fv_error *error);

typedef struct fv_input_options {
    size_t size;
    const char *name;                     /* default "input" */
    fv_dtype dtype;                       /* default FV_F32 */
    int64_t depth, height, width, length; /* spatial sizes; FV_OPEN for any */
    int64_t channels;                     /* last dimension */
    fv_shape shape;                       /* instead of the five above: the shape of one sample */
    bool no_batch;                        /* the value has no leading batch dimension */
    bool target;                          /* what the net should answer; only losses read it */
} fv_input_options;
FV_API fv_value fv_input_with(fv_net *net, const fv_input_options *options);
#define fv_input(net, ...) fv_input_with(net, FV_OPTIONS(fv_input_options, __VA_ARGS__))

/* Any operator by name, its fields as in the .net language: fv_apply(net, "conv", &x, 1, "filters=32 kernel=3x3",
 * &error). Further inputs may be given for the parameters (weights shared or computed); what is not given is created, also
 * where a zeroed fv_value holds its place.
 * Returns the first output; fv_output_of(value, i) is the i-th of the same application. */
FV_API fv_value fv_apply(fv_net *net, const char *op, const fv_value *inputs, int count, const char *fields,
                         fv_error *error);
FV_API fv_value fv_output_of(fv_value value, int index);
/* The i-th parameter that the application behind `value` reads ("weight" of a convolution is 0). Bad value if none. */
FV_API fv_value fv_parameter_of(fv_value value, int index);

/* Names the application behind a value (so its parameters too); returns the value. Names are unique in a net. */
FV_API fv_value fv_name(fv_value value, const char *name);
/* Applications made until fv_leave get `name` and its ordinal in front of theirs: "block1.conv1". */
FV_API void fv_enter(fv_net *net, const char *name);
FV_API void fv_leave(fv_net *net);

/* Marks a result of the net. Without any, the last value made is the output. */
FV_API void fv_output(fv_value value, const char *name);
/* Adds weight * (mean over the samples of a loss value) to what training minimises. */
FV_API void fv_add_loss(fv_value value, double weight);

/* ---- what a net will cost, before any run ----------------------------------------------------------------------- */

typedef struct fv_layer {
    const char *name, *op; /* "block1.conv1", "conv" */
    const char *detail;    /* "64 3x3 stride=2", the fields that differ from their defaults */
    const char *working;   /* parameters in numbers: "3x3x32x64 + 64" */
    fv_shape output;       /* with FV_BATCH */
    int64_t parameters;    /* trainable and fixed weights, not running statistics */
    int64_t trainable;
    int64_t macs;            /* multiply-adds of one sample, of convolutions and products */
    int64_t bytes;           /* of the output for one sample */
    int64_t receptive_field; /* rows of the input that one cell sees; 0 where the notion does not apply */
    int64_t jump;            /* rows of the input between neighbouring cells */
    fv_shape input;          /* what it reads; of several the one that saw most of the net's input */
    int from;                /* the row that made this, -1: an input of the net */
} fv_layer;

typedef struct fv_summary fv_summary;

/* One row for every layer, in order. Open sizes may be fixed by `input` (sample shape of the first data input) or NULL.
 * Allocates no weights. Free with fv_summary_free. */
FV_API fv_summary *fv_summarize(fv_net *net, const fv_shape *input, fv_error *error);
FV_API void fv_summary_free(fv_summary *summary);
FV_API int fv_summary_count(const fv_summary *summary);
FV_API const fv_layer *fv_summary_layer(const fv_summary *summary, int index);
FV_API fv_layer fv_summary_total(const fv_summary *summary); /* sums; bytes: all outputs of one sample */

/* How a run would go: one line for each call with its kernel, its part of the expected time and what it reads and writes;
 * then the bytes. Of the options counts all but `wanted` and `by`. Allocates no weights. Free with fv_free. */
typedef struct fv_run_options fv_run_options;
FV_API char *fv_net_plan_text_with(fv_net *net, fv_error *error, const fv_run_options *options);
#define fv_net_plan_text(net, error, ...) fv_net_plan_text_with(net, error, FV_OPTIONS(fv_run_options, __VA_ARGS__))

/* The net as it would be trained: itself (free it all the same) where it has a loss and none is named, else a copy with the
 * loss `loss`, or the usual one. Allocates no weights. NULL and *error when the net cannot have it. */
FV_API fv_net *fv_net_with_loss(fv_net *net, const char *loss, fv_error *error);

/* Bytes that a run will need. Beside them stand the samples themselves and some kilobytes for each layer. */
typedef struct fv_foretold {
    int64_t batch;
    uint64_t weights;   /* the model: parameters and running statistics */
    uint64_t arena;     /* values (in training gradients, too), laid out by who is alive when */
    uint64_t packed;    /* copies of weights in the order that the kernels read them */
    uint64_t scratch;   /* of the kernels */
    uint64_t optimizer; /* its state; 0 without training */
    uint64_t total;
} fv_foretold;

typedef struct fv_foretell_options {
    size_t size;
    int64_t batch;         /* default 1; of training: the net's train line, else 64 */
    fv_shape input;        /* sample shape of the first data input where the net leaves it open */
    bool training;         /* a step of fv_fit instead of a run that predicts */
    const char *optimizer; /* of training; default: the net's train line, else adam */
    const char *loss;      /* of training; default: the net's, else the usual one for its end */
    int threads;           /* 0: all that the process may use */
    bool exact;            /* only sums that round no worse than direct ones */
    bool bf16;             /* products of bf16 numbers, as in fv_run_options */
} fv_foretell_options;
/* Plans a run without allocating it or any weights. The net stays as it is. */
FV_API fv_status fv_foretell_with(fv_net *net, fv_foretold *out, fv_error *error, const fv_foretell_options *options);
#define fv_foretell(net, out, error, ...)                                                                              \
    fv_foretell_with(net, out, error, FV_OPTIONS(fv_foretell_options, __VA_ARGS__))

/* ---- what a net looks like -------------------------------------------------------------------------------------- */

typedef struct fv_dot_options {
    size_t size;
    fv_shape input; /* sample shape of the first data input where the net leaves it open */
    bool blocks;    /* every outermost block as one box */
    bool unfolded;  /* repetitions of a block one by one; default: drawn once with their number */
    bool across;    /* from left to right; default: from top to bottom */
} fv_dot_options;

/* The graph in Graphviz's DOT language: blocks as clusters, shapes on the arrows, operators with their main fields in the
 * boxes; losses and targets are left out. Free with fv_free. */
FV_API char *fv_net_dot_with(fv_net *net, fv_error *error, const fv_dot_options *options);
#define fv_net_dot(net, error, ...) fv_net_dot_with(net, error, FV_OPTIONS(fv_dot_options, __VA_ARGS__))

/* ---- operators, as the registry knows them ---------------------------------------------------------------------- */

FV_API int fv_op_count(void);
FV_API const char *fv_op_name(int index);
FV_API const char *fv_op_summary(const char *name);
/* The help page of an operator as plain text (fields, shapes, formula, examples). NULL if unknown. Free with fv_free.
 */
FV_API char *fv_op_help(const char *name);
/* The nearest operator name, or NULL when nothing is near. */
FV_API const char *fv_op_nearest(const char *name);

/* Told of every worked example: "conv", "vertical edges", what came out ("1x2x2x1: 2 -2 ; -1 1"), and what is wrong with it
 * or NULL. */
typedef void (*fv_on_example)(void *user, const char *op, const char *title, const char *result, const char *problem);
/* Runs the worked examples of all operators with the kernels in use; returns how many went wrong. */
FV_API int fv_selftest(fv_on_example on_example, void *user);

/* ---- models ----------------------------------------------------------------------------------------------------- */

/* A net with weights, preprocessing and class names. Keeps its net alive: the caller may free the net at any time. */
typedef struct fv_model fv_model;

/* Weights are drawn by the net's initializers from `seed`. */
FV_API fv_model *fv_model_new(fv_net *net, uint64_t seed, fv_error *error);
FV_API fv_model *fv_model_load(const char *path, fv_error *error); /* a file, or a run folder (its best.safetensors) */
FV_API fv_status fv_model_save(const fv_model *model, const char *path, fv_error *error);
FV_API void fv_model_free(fv_model *model);

FV_API fv_net *fv_model_net(const fv_model *model);
FV_API int fv_model_weight_count(const fv_model *model); /* parameters and running statistics */
FV_API const char *fv_model_weight_name(const fv_model *model, int index);
FV_API fv_tensor fv_model_weight(const fv_model *model, int index);       /* borrowed; writing changes the model */
FV_API int fv_model_find_weight(const fv_model *model, const char *name); /* -1 if there is none */
/* Tells the model that weights were written from outside, so that runs pack them anew. */
FV_API void fv_model_touch(fv_model *model);
/* A short hash of all weights and running statistics: equal bits, equal hash. */
FV_API uint64_t fv_model_hash(const fv_model *model);

FV_API int fv_model_class_count(const fv_model *model); /* 0 when the model names none */
FV_API const char *fv_model_class_name(const fv_model *model, int index);
FV_API fv_status fv_model_set_classes(fv_model *model, const char *const *names, int count, fv_error *error);

/* How a picture of another size comes into the net's: stretched; resized until it covers the size, then the middle cut out;
 * resized until it fits inside, the rest grey (127). */
typedef enum fv_fitting { FV_FIT_STRETCH = 0, FV_FIT_CROP, FV_FIT_LETTERBOX } fv_fitting;

/* What turns a stored sample into what the net sees: x = (value * scale - mean[c]) / deviation[c]. */
typedef struct fv_preprocess {
    double scale; /* 1/255 for bytes; 0 counts as 1 */
    int channels; /* entries used below; 0: none, 1: the same for all channels */
    double mean[16], deviation[16];
    fv_fitting fit;
    double crop; /* FV_FIT_CROP: the share of the covering size that is cut out, 0.875 for 224 out of 256; 0 counts as 1 */
    bool bgr;    /* colours come to the net as blue, green, red (and so do mean and deviation) */
} fv_preprocess;
FV_API fv_preprocess fv_model_preprocess(const fv_model *model);
FV_API void fv_model_set_preprocess(fv_model *model, const fv_preprocess *preprocess);

/* Free-form facts that are saved with the model (how it was trained). NULL if there is none. */
FV_API const char *fv_model_note(const fv_model *model, const char *key);
FV_API fv_status fv_model_set_note(fv_model *model, const char *key, const char *value, fv_error *error);

/* ---- weights from elsewhere ------------------------------------------------------------------------------------- */

/* What became of one weight of the net, or of a tensor that the net has no use for. */
typedef struct fv_import_line {
    const char *weight;  /* its name in the net; NULL: the file has more than the net */
    const char *source;  /* its name in the file; NULL: no rule names it */
    const char *problem; /* NULL: it fits; else a sentence with what was expected and what was there */
} fv_import_line;
typedef void (*fv_on_import)(void *user, const fv_import_line *line);

typedef struct fv_import_options {
    size_t size;
    /* How the weights are called there: one of fv_names_name, or a file of such rules. Default: those of the library that
     * fit the net best. */
    const char *names;
    /* "scale=1/255 mean=0.485,0.456,0.406 deviation=0.229,0.224,0.225". Default: what the rules say, else the net's. */
    const char *preprocess;
    const char *const *classes; /* names of the net's outputs, as many as there are; NULL: none */
    int class_count;
    fv_on_import on_line; /* told of every weight of the net in order, then of every unused tensor; NULL: nobody */
    void *user;
} fv_import_options;

/* A model from a net and a safetensors file in which the weights have the names and layouts of PyTorch (torchvision's
 * "layer1.0.conv1.weight" of 64x64x3x3), or from ncnn's .param file with the .bin beside it. Everything must fit, or the error
 * lists what does not; tensors that the net lacks are left out. */
FV_API fv_model *fv_model_import_with(fv_net *net, const char *path, fv_error *error, const fv_import_options *options);
#define fv_model_import(net, path, error, ...)                                                                         \
    fv_model_import_with(net, path, error, FV_OPTIONS(fv_import_options, __VA_ARGS__))

/* The families of networks whose names in PyTorch's torchvision the library knows ("vgg"), and the rules as text. */
FV_API int fv_names_count(void);
FV_API const char *fv_names_name(int index);
FV_API const char *fv_names_text(const char *name);

typedef struct fv_onnx_export_options {
    size_t size;
    bool channels_last; /* inputs and outputs stay (N, H, W, C); default ONNX's (N, C, H, W) */
    fv_shape input;     /* sample shape of the first data input where the net leaves it open */
} fv_onnx_export_options;
/* Writes the model as an .onnx file of opset 17: what computes the net's outputs, for inference, weights under their names in
 * ONNX's layout, the batch symbolic; class names and preprocessing in the metadata. What ONNX lacks becomes several operators; an
 * operator that cannot be said is refused by its layer's name. */
FV_API fv_status fv_onnx_export_with(const fv_model *model, const char *path, fv_error *error,
                                     const fv_onnx_export_options *options);
#define fv_onnx_export(model, path, error, ...)                                                                        \
    fv_onnx_export_with(model, path, error, FV_OPTIONS(fv_onnx_export_options, __VA_ARGS__))

/* Every weight that `from` has under the same name and in the same shape becomes a copy of that, for training to start from; others
 * (a head for other classes) stay as they were drawn. Told of each; at least one must fit. */
FV_API fv_status fv_model_start_from(fv_model *model, const fv_model *from, fv_on_import on_line, void *user,
                                     fv_error *error);

/* ---- ONNX --------------------------------------------------------------------------------------------------------- */

/* The value of a graph input, as ONNX lays it out: shapes and weights that a file leaves to its user. */
typedef struct fv_onnx_given {
    const char *name; /* as the file calls it */
    fv_tensor tensor; /* borrowed during the call */
} fv_onnx_given;

typedef struct fv_onnx_options {
    size_t size;
    const fv_onnx_given *given; /* the net is built for these values */
    int given_count;
} fv_onnx_options;
/* The model that an .onnx file holds (docs/onnx.md); fv_model_load takes such files, too. Pictures come to it and leave it with their
 * channels last, as everywhere here. FV_E_UNSUPPORTED names the operator that is not there. */
FV_API fv_model *fv_onnx_load_with(const char *path, fv_error *error, const fv_onnx_options *options);
#define fv_onnx_load(path, error, ...) fv_onnx_load_with(path, error, FV_OPTIONS(fv_onnx_options, __VA_ARGS__))
/* Computes an .onnx file once, with its inputs (those without initializers, in order) and outputs as ONNX lays them out. Writes
 * *output_count, at most `room`, outputs; free the data of each with fv_free. */
FV_API fv_status fv_onnx_compute(const char *path, const fv_tensor *inputs, int input_count, fv_tensor *outputs, int room,
                                 int *output_count, fv_error *error);
/* The operators that an .onnx file uses, each once, in order: "Add,Conv". Free with fv_free. */
FV_API char *fv_onnx_operators(const char *path, fv_error *error);
/* One tensor from a file with a TensorProto (.pb). Types that we lack become the next wider one, f64 becomes f32. Free its data with fv_free. */
FV_API fv_status fv_onnx_tensor_load(const char *path, fv_tensor *out, fv_error *error);

/* ---- runs: a model compiled for use ----------------------------------------------------------------------------- */

typedef struct fv_run fv_run;

struct fv_run_options {
    size_t size;
    int64_t batch;          /* largest batch; default 1 */
    fv_shape input;         /* sample shape of the first data input where the net leaves it open */
    bool training;          /* dropout drops, batch norm uses the batch */
    bool gradients;         /* also d(total loss)/d(trainable weights) */
    const fv_value *wanted; /* values to keep readable besides the outputs */
    int wanted_count;
    const fv_value *by; /* further values to differentiate by */
    int by_count;
    int threads; /* 0: all that the process may use */
    bool exact;  /* only sums that round no worse than direct ones: no Winograd F(4x4), no folded batch norm */
    /* Products may be of bf16 numbers (8 bits of each factor count), summed in f32, where fv_has_bf16: faster, rounds more, other
     * bits; f32 elsewhere. Values and weights stay f32. Not together with exact. */
    bool bf16;
};

/* Allocates all that it will ever need; what follows allocates nothing. */
FV_API fv_run *fv_run_new_with(fv_model *model, fv_error *error, const fv_run_options *options);
#define fv_run_new(model, error, ...) fv_run_new_with(model, error, FV_OPTIONS(fv_run_options, __VA_ARGS__))
FV_API void fv_run_free(fv_run *run);
/* Where to put the input of that name (NULL: the first data input); the shape has the largest batch in front. */
FV_API fv_tensor fv_run_input(fv_run *run, const char *name);
/* Runs forward (and backward) over the first `n` samples of the inputs. */
FV_API fv_status fv_run_go(fv_run *run, int64_t n, fv_error *error);
/* The output of that name (NULL: the first), shape with n in front; valid until the next go. */
FV_API fv_tensor fv_run_output(const fv_run *run, const char *name);
FV_API fv_tensor fv_run_value(const fv_run *run, fv_value value);
FV_API fv_tensor fv_run_gradient(const fv_run *run, fv_value value);
/* The total loss of the last go (mean over its samples). */
FV_API double fv_run_loss(const fv_run *run);
FV_API size_t fv_run_bytes(const fv_run *run); /* arena, without the model's weights */

/* ---- data -----------------------------------------------------------------------------------------------------------
 */

/* A set of samples. A sample is a record of named tensors: for classes "picture" and "class". */
typedef struct fv_data fv_data;

typedef struct fv_data_field {
    const char *name; /* "picture", "class", ... */
    fv_dtype dtype;
    fv_shape shape; /* of one sample; rank 0 for a single number */
    bool target;    /* what is to be predicted */
} fv_data_field;

typedef struct fv_data_options {
    size_t size;
    uint64_t seed; /* of synthetic sets */
    int64_t limit; /* at most so many samples */
    /* Picture files of any size become this one; see fv_data_options_for. Default: that of the first picture. */
    int64_t height, width; /* one alone: a square */
    int channels;          /* 1 or 3 */
    fv_fitting fit;
    double crop;           /* as in fv_preprocess */
    bool skip_bad;         /* leave files out that cannot be read (all are tried at once): fv_data_skipped lists them */
    int64_t cache_bytes;   /* decoded pictures are kept when all fit in here; default 1 GiB, at most a quarter of the memory */
} fv_data_options;

/* Sets size, channels and fit to what the net reads and its `preprocess` lines say; where the net leaves a size open it is
 * left as it is. */
FV_API fv_status fv_data_options_for(fv_data_options *options, const fv_net *net, fv_error *error);
/* The same for a model and its preprocessing. */
FV_API void fv_data_options_for_model(fv_data_options *options, const fv_model *model);

/* "digits", "digits:test", a folder with a folder of pictures for each class, with IDX, CIFAR or NumPy files, a list of
 * files (.csv), "DIR:train", a .npy ... (docs/data.md). The part after the first colon names a part
 * of the set. Lazy; the same bytes give the same samples. */
FV_API fv_data *fv_data_open_with(const char *spec, fv_error *error, const fv_data_options *options);
#define fv_data_open(spec, error, ...) fv_data_open_with(spec, error, FV_OPTIONS(fv_data_options, __VA_ARGS__))

/* Samples from memory, which the caller keeps alive: pictures (count first) and class numbers or numeric targets. */
FV_API fv_data *fv_data_from_arrays(fv_tensor inputs, fv_tensor targets, fv_error *error);

/* Samples from a callback: write sample `index` into out[i], one buffer for each field; 0 for success. */
typedef int (*fv_read_sample)(void *user, int64_t index, void *const *out);
FV_API fv_data *fv_data_from_callback(int64_t count, const fv_data_field *fields, int field_count, fv_read_sample read,
                                      void *user, fv_error *error);
FV_API void fv_data_free(fv_data *data);

FV_API int64_t fv_data_count(const fv_data *data);
FV_API int fv_data_field_count(const fv_data *data);
FV_API const fv_data_field *fv_data_field_at(const fv_data *data, int index);
FV_API int fv_data_class_count(const fv_data *data);
FV_API const char *fv_data_class_name(const fv_data *data, int index);
FV_API bool fv_data_has_part(const fv_data *data, const char *part); /* "train", "test" in the same source */
/* Where the samples come from, in a line: "PATH: pictures in 3 folders". */
FV_API const char *fv_data_description(const fv_data *data);
/* The files that .skip_bad left out, each with the reason: "cats/7.jpg: damaged JPEG: truncated". */
FV_API int64_t fv_data_skipped_count(const fv_data *data);
FV_API const char *fv_data_skipped(const fv_data *data, int64_t index);
/* Reads one sample, raw: out[i] has room for field i. */
FV_API fv_status fv_data_read(fv_data *data, int64_t index, void *const *out, fv_error *error);

/* ---- what is in a set of data ----------------------------------------------------------------------------------- */

/* One part of a set ("train"), open. */
typedef struct fv_data_part {
    const char *name;
    fv_data *data;
} fv_data_part;

typedef struct fv_range {
    double least, most, mean, deviation; /* of the finite numbers; NaN where there are none */
} fv_range;

enum { FV_MAX_RANGES = 16 };
typedef struct fv_field_facts {
    fv_range all;
    int channels; /* entries used below; 0: one channel, or more than 16 */
    fv_range channel[FV_MAX_RANGES];
} fv_field_facts;

typedef struct fv_part_facts {
    const char *name;
    int64_t samples;
    int64_t constant, first_constant; /* an input has the same number everywhere; -1: none */
    int64_t broken, first_broken;     /* cannot be read, not finite, or of a class that is not there; -1: none */
    const char *why_broken;           /* the first one; NULL: none is */
    int class_count;
    const int64_t *class_samples; /* [class_count] */
    /* What a validation split of the last tenth would hold: so many classes, and all samples of so many. */
    int tail_classes, tail_alone;
    bool sorted; /* such a split would break: classes are missing in it, or left to it alone */
    int field_count;
    const fv_field_facts *fields; /* [field_count], as fv_data_field_at */
} fv_part_facts;

/* Two samples whose inputs are the same bits; the second comes first. */
typedef struct fv_twin {
    int part, of_part;
    int64_t sample, of_sample;
    bool other_class;
} fv_twin;

enum { FV_MAX_PARTS = 8 };
typedef struct fv_data_facts {
    int part_count;
    fv_part_facts part[FV_MAX_PARTS];
    /* [a][b], a < b: so many samples of part b are in part a, too; [a][a]: so many of a repeat an earlier one of a. */
    int64_t twins[FV_MAX_PARTS][FV_MAX_PARTS];
    int64_t conflicts; /* so many of all these have another class than their twin */
    int shown;         /* the first of them, those across parts in front */
    fv_twin shown_twin[20];
} fv_data_facts;
/* Reads everything once (and what may be equal twice). Free with fv_data_facts_free. */
FV_API fv_data_facts *fv_data_describe(const fv_data_part *parts, int count, fv_error *error);
FV_API void fv_data_facts_free(fv_data_facts *facts);

typedef struct fv_sheet_options {
    size_t size;
    int64_t most; /* pictures at most; default 400 */
    int columns;  /* pictures side by side; default by their size */
    const char *augment; /* each row a sample, and what this list makes of it in 9 epochs (docs/augmentation.md); default 100 pictures */
    uint64_t seed;       /* of augmentation */
} fv_sheet_options;
/* A PNG file with pictures of the set, evenly spread: a row for each class where there are few. */
FV_API fv_status fv_data_sheet_with(fv_data *data, const char *path, fv_error *error, const fv_sheet_options *options);
#define fv_data_sheet(data, path, error, ...)                                                                          \
    fv_data_sheet_with(data, path, error, FV_OPTIONS(fv_sheet_options, __VA_ARGS__))

typedef struct fv_neighbours_options {
    size_t size;
    int count;    /* of neighbours for each sample; default 1 */
    bool squares; /* distance: the sum of squared differences (L2); default the sum of differences (L1) */
} fv_neighbours_options;
/* For every sample of `asked` the numbers of the samples of `known` whose inputs are nearest, nearest first: out[asked's count][count].
 * Both sets have inputs of one shape and type, bytes or f32, as they are stored. Reads all of both into memory. */
FV_API fv_status fv_neighbours_with(fv_data *known, fv_data *asked, int32_t *out, fv_error *error,
                                    const fv_neighbours_options *options);
#define fv_neighbours(known, asked, out, error, ...)                                                                   \
    fv_neighbours_with(known, asked, out, error, FV_OPTIONS(fv_neighbours_options, __VA_ARGS__))

/* A picture file (PNG, PGM, PPM, JPEG) as (height, width, 1 or 3) bytes. Free its data with fv_free. */
FV_API fv_status fv_picture_read(const char *path, fv_tensor *out, fv_error *error);

/* ---- augmentation: samples changed at random while a net trains --------------------------------------------------- */

/* The ways there are, in order. A list of them is text: "hflip shift(2, border=reflect) cutout(8)" (docs/augmentation.md). */
FV_API int fv_augment_count(void);
FV_API const char *fv_augment_name(int index);
FV_API const char *fv_augment_summary(const char *name);
/* The help page of one as plain text: arguments, ranges, defaults. NULL if unknown. Free with fv_free. */
FV_API char *fv_augment_help(const char *name);
/* The first entry of a list that mirrors pictures where the classes are the digits 0 to 9, which makes other signs of them; else NULL. */
FV_API const char *fv_augment_mirrors_digits(const char *list, const fv_data *data);

/* ---- training -------------------------------------------------------------------------------------------------------
 */

typedef struct fv_history fv_history;

typedef enum fv_event_kind {
    FV_EVENT_BEGIN,
    FV_EVENT_STEP,
    FV_EVENT_EPOCH,
    FV_EVENT_END,
    FV_EVENT_NOTE /* `text` is a sentence that people should read */
} fv_event_kind;

/* What a progress callback is told. Names and values of the metrics so far in this epoch: "loss", "accuracy", and at
 * the end of an epoch "val_loss", "val_accuracy". */
typedef struct fv_event {
    fv_event_kind kind;
    int64_t epoch, epochs; /* from 1 */
    int64_t step, steps;   /* in this epoch, from 1 */
    int64_t samples;       /* seen in this epoch */
    double seconds;        /* of this epoch */
    double learning_rate;
    int metric_count;
    const char *const *metric_names;
    const double *metric_values;
    bool best; /* at the end of an epoch: the best so far */
    const char *text; /* of FV_EVENT_NOTE */
    /* Of FV_EVENT_BEGIN. Training part, then validation part: */
    int64_t part_samples[2];
    int class_count;                 /* 0: there are no classes, or nobody asked for a survey */
    const int64_t *class_samples[2]; /* [class_count]; NULL: there is no such part */
    const double *class_weights;     /* [class_count], or NULL */
    int64_t shared;                  /* samples of the validation part that the training part has, too */
    double epoch_seconds;            /* what an epoch will take, by a step that was tried; 0: nobody asked for a survey */
    uint64_t memory_needed, memory_there; /* bytes; there 0: not known */
} fv_event;
typedef int (*fv_on_event)(void *user, const fv_event *event); /* non-zero stops the training */

typedef struct fv_compile_options {
    size_t size;
    const char *optimizer; /* "adam", "sgd(rate=0.01, momentum=0.9)"; default: the net's train line, else adam */
    const char *loss;      /* "crossentropy", "mse", ...; default: the net's losses, else by the target's type */
    const char *metrics;   /* "accuracy top3"; default by the target's type */
    uint64_t seed;         /* of the initial weights */
} fv_compile_options;
/* A model that is ready to be trained: Keras's compile. */
FV_API fv_model *fv_compile_with(fv_net *net, fv_error *error, const fv_compile_options *options);
#define fv_compile(net, error, ...) fv_compile_with(net, error, FV_OPTIONS(fv_compile_options, __VA_ARGS__))

typedef struct fv_fit_options {
    size_t size;
    int64_t epochs;        /* default: the net's train line, else 5 */
    int64_t batch_size;    /* default: the net's train line, else 64 */
    const char *optimizer; /* overrides compile's */
    const char *loss;      /* overrides compile's */
    const char *metrics;   /* overrides compile's */
    double learning_rate;  /* overrides the optimizer's */
    const char
        *schedule; /* "constant", "step(every=10, factor=0.1)", "cosine", "onecycle", "warmup(epochs=1)+cosine" */
    bool no_shuffle;
    double validation_split;  /* part of the data held back, 0..1 */
    fv_data *validation_data; /* instead of a split */
    bool validation_tail; /* Keras's rule: the split is the last part of the data; default stratified and shuffled */
    uint64_t seed;        /* of shuffling and dropout; default the model's seed */
    int threads;          /* 0: all that the process may use */
    const char *folder;   /* where best.safetensors, last.safetensors, history.jsonl and checkpoints go; NULL: nowhere */
    fv_on_event on_event;
    void *user;
    /* Goes on from the checkpoint in `folder`, to the same bits as if it had never stopped. What is not given here is as
     * it was; what is given must be as it was, but for `epochs`, `threads` and `save_*`. More epochs extend a run. */
    bool resume;
    int64_t save_steps;  /* a checkpoint every so many steps; default: by time alone */
    double save_seconds; /* and when so much time went by; default 300, FV_ZERO: at ends of epochs alone */
    /* The next batch is made in a thread of its own while the step runs; on unless the samples lie in memory as they are.
     * Callbacks of data are then called from that thread. */
    bool no_prefetch;
    bool exact; /* steps and validation use only sums that round no worse than direct ones; other bits */
    bool bf16;  /* their products may be of bf16 numbers, as in fv_run_options; other bits */
    /* How much a class counts in the training's loss: "balanced" (each class the same, the mean over the samples 1) or a number
     * for each class, "1,2,0.5". Validation counts every sample the same. */
    const char *class_weights;
    int folds, fold; /* k-fold validation: part `fold` (from 1) of `folds` is held back instead of a split */
    /* "val_loss(patience=5, min_change=0.001)": ends when that metric got no better for so many epochs. It also says which epoch is
     * best; without it the validation loss does (without validation the loss). */
    const char *early_stop;
    bool keep_best;      /* the model ends as the best epoch left it, not the last */
    double clip_value;   /* every number of a gradient is brought into -clip_value .. clip_value */
    double clip_norm;    /* then all gradients together to a Euclidean norm of at most this */
    int64_t accumulate;  /* batches to a step: their mean is that of one batch of so many times the size. Default 1 */
    bool watch;          /* sizes of activations and gradients of every layer in history.jsonl; FV_EVENT_NOTE where they go wrong */
    double ema;          /* 0.999: weights averaged over the steps are validated, saved and handed back */
    const char *freeze;  /* "conv*, block1.*": weights or layers of these names stay as they are */
    bool survey;         /* look before the first step, and tell with FV_EVENT_BEGIN: classes, shared samples, time */
    /* Soft targets: the loss becomes (1 - teacher_weight) of itself and teacher_weight * T^2 times the cross-entropy between the
     * teacher's and the model's probabilities at temperature T (Hinton et al. 2015). Borrowed; not in validation. */
    fv_model *teacher;
    double temperature;    /* default 4 */
    double teacher_weight; /* default 0.9 */
    uint64_t memory;     /* bytes that the training may need; default what the machine or its container has */
    /* How samples are changed at random: "hflip shift(2)" (docs/augmentation.md); "none" against the net's `augment` lines.
     * Default: those lines. Not in validation. */
    const char *augment;
    /* "conv*.weight: muon(rate=0.2); *.bias *.scale: decay=0": weights that are trained otherwise than the rest (docs/training.md) */
    const char *groups;
    const char *whiten; /* "conv1": that layer, which reads the pictures, whitens their patches and stays so (docs/training.md) */
    /* Test-time augmentation in validation, and later wherever the model is used: "hflip shift(1)". Default: the net's train line. */
    const char *tta;
} fv_fit_options;
/* Trains the model on the data. Returns one row of metrics per epoch; free with fv_history_free. A run has its folder to
 * itself. With a folder, a checkpoint is kept from the first step on, also when a callback stops the training. */
FV_API fv_history *fv_fit_with(fv_model *model, fv_data *data, fv_error *error, const fv_fit_options *options);
#define fv_fit(model, data, error, ...) fv_fit_with(model, data, error, FV_OPTIONS(fv_fit_options, __VA_ARGS__))

/* The model as the newest whole checkpoint in a run's folder holds it, in the middle of its training; its notes say how it was
 * trained ("train.batch_size", ...). */
FV_API fv_model *fv_checkpoint_load(const char *folder, fv_error *error);

FV_API void fv_history_free(fv_history *history);
FV_API int fv_history_epochs(const fv_history *history);
FV_API int fv_history_metric_count(const fv_history *history);
FV_API const char *fv_history_metric_name(const fv_history *history, int index);
FV_API double fv_history_get(const fv_history *history, const char *metric,
                             int epoch); /* epoch from 0; NaN if unknown */

/* The history that a run's folder holds (history.jsonl): one more metric for each number in it, so also "learning_rate",
 * "seconds" and "best" (1 or 0). */
FV_API fv_history *fv_history_load(const char *folder, fv_error *error);
/* One sentence: at which epoch validation loss turned, and whether the model overfits. Free with fv_free; NULL when memory
 * is short. */
FV_API char *fv_history_verdict(const fv_history *history);

typedef struct fv_report_options {
    size_t size;
    fv_data *validation; /* what was validated on, where it is no part of the data */
    const char *path;    /* default: report.html in the folder */
    int threads;
} fv_report_options;
/* One HTML page about the run in a folder, with all that it needs inside: curves, what the best model takes for what on the
 * samples that were held back, its surest mistakes as pictures, the network, the options. `data` is what it was trained on. */
FV_API fv_status fv_report_with(const char *folder, fv_data *data, fv_error *error, const fv_report_options *options);
#define fv_report(folder, data, error, ...)                                                                            \
    fv_report_with(folder, data, error, FV_OPTIONS(fv_report_options, __VA_ARGS__))

/* Event files for TensorBoard in folder/train and folder/validation; begun when the first epoch is written. Those of an
 * earlier run go, unless this one goes on with it. */
typedef struct fv_tensorboard fv_tensorboard;
FV_API fv_tensorboard *fv_tensorboard_open(const char *folder, bool goes_on, fv_error *error);
/* Writes the metrics of an epoch; other events are passed over. `seconds` since 1970 is what TensorBoard shows as the time. */
FV_API fv_status fv_tensorboard_write(fv_tensorboard *board, const fv_event *event, double seconds, fv_error *error);
FV_API void fv_tensorboard_close(fv_tensorboard *board);

typedef struct fv_evaluate_options {
    size_t size;
    int64_t batch_size;  /* default 64 */
    const char *metrics; /* default: the model's */
    int threads;
    bool exact; /* only sums that round no worse than direct ones; other bits */
    bool bf16;  /* products of bf16 numbers, as in fv_run_options; other bits */
    /* Test-time augmentation: the mean over the views of "hflip shift(1)", see docs/augmentation.md; "none". Default: what the
     * model was validated with, or its net says (train tta="..."). */
    const char *tta;
} fv_evaluate_options;
/* Loss and metrics over all samples, as a history of one epoch. */
FV_API fv_history *fv_evaluate_with(fv_model *model, fv_data *data, fv_error *error,
                                    const fv_evaluate_options *options);
#define fv_evaluate(model, data, error, ...)                                                                           \
    fv_evaluate_with(model, data, error, FV_OPTIONS(fv_evaluate_options, __VA_ARGS__))

/* ---- how good a model is, class by class ------------------------------------------------------------------------ */

typedef struct fv_scores fv_scores;

typedef struct fv_class_score {
    const char *name;                /* borrowed from the scores; NULL in a mean */
    int64_t samples, answers, right; /* samples of the class, answers with it, both */
    double precision;                /* right / answers: how much an answer with it is worth; 0 for 0/0 */
    double recall;                   /* right / samples: how many of it are found; 0 for 0/0 */
    double f1;                       /* harmonic mean of the two */
} fv_class_score;

typedef struct fv_mistake {
    int64_t sample;                 /* in the data */
    int truth, answer;              /* classes */
    double probability, right_one; /* what the model gives its answer, and what the class that it is */
} fv_mistake;

typedef struct fv_score_options {
    size_t size;
    int64_t batch_size;  /* default 64 */
    const char *metrics; /* default: the (first) model's */
    int threads;
    int mistakes;        /* keep so many wrong answers, the surest first */
    fv_scores **members; /* of a committee: [count], gets the scores of each model; free each */
    bool exact, bf16;    /* as in fv_evaluate */
    const char *tta; /* as in fv_evaluate */
} fv_score_options;
/* Loss and metrics of a model over all samples and, where it chooses between classes, how it does with each. Several models
 * are a committee: each with its own preprocessing, the mean of their probabilities (or numbers) is the answer; it has no
 * loss. */
FV_API fv_scores *fv_score_with(fv_model *const *models, int count, fv_data *data, fv_error *error,
                                const fv_score_options *options);
#define fv_score(models, count, data, error, ...)                                                                      \
    fv_score_with(models, count, data, error, FV_OPTIONS(fv_score_options, __VA_ARGS__))
FV_API void fv_scores_free(fv_scores *scores);
/* Loss (not of a committee) and metrics, as of one epoch. */
FV_API const fv_history *fv_scores_metrics(const fv_scores *scores);
FV_API int64_t fv_scores_samples(const fv_scores *scores);
/* 0: the model does not choose between classes, and what follows says nothing. */
FV_API int fv_scores_class_count(const fv_scores *scores);
FV_API fv_class_score fv_scores_class(const fv_scores *scores, int index);
/* Mean of precision, recall and F1 over the classes that occur, each counting the same or by its samples. */
FV_API fv_class_score fv_scores_mean(const fv_scores *scores, bool weighted);
FV_API double fv_scores_accuracy(const fv_scores *scores);
/* Two classes: area under the ROC curve; else NaN. */
FV_API double fv_scores_auc(const fv_scores *scores);
/* How many samples of class `truth` were answered with `answer`; -1 where there is no such class, or more than 1024. */
FV_API int64_t fv_scores_confusion(const fv_scores *scores, int truth, int answer);
FV_API int fv_scores_mistake_count(const fv_scores *scores);
FV_API fv_mistake fv_scores_mistake(const fv_scores *scores, int index);

/* The net's first output for samples first .. first+count-1 of the data, preprocessed as in training, with softmax
 * applied where the net ends in logits for classes. Free the tensor's data with fv_free. */
FV_API fv_status fv_predict(fv_model *model, fv_data *data, int64_t first, int64_t count, fv_tensor *out,
                            fv_error *error);
/* The same for one picture file (PNG, PGM, PPM, JPEG) of any size. */
FV_API fv_status fv_predict_file(fv_model *model, const char *path, fv_tensor *out, fv_error *error);

typedef struct fv_predict_options {
    size_t size;
    bool exact; /* only sums that round no worse than direct ones; other bits */
    bool bf16;  /* products of bf16 numbers, as in fv_run_options; other bits */
    const char *tta; /* as in fv_evaluate */
    bool invert; /* light and dark of pictures change places before the net sees them */
    const char *show_input; /* a PNG file of what the net sees of the first picture */
    char **doubt; /* gets a sentence where the first picture is unlike those of the training, else NULL; fv_free */
} fv_predict_options;
/* Both with options; NULL: as above. */
FV_API fv_status fv_predict_with(fv_model *model, fv_data *data, int64_t first, int64_t count, fv_tensor *out,
                                 fv_error *error, const fv_predict_options *options);
FV_API fv_status fv_predict_file_with(fv_model *model, const char *path, fv_tensor *out, fv_error *error,
                                      const fv_predict_options *options);

/* For many picture files one after the other: what a run needs is made once for each size of input. Model and what the options
 * point to are borrowed; weights stay as they are meanwhile. */
typedef struct fv_predictor fv_predictor;
FV_API fv_predictor *fv_predictor_new_with(fv_model *model, fv_error *error, const fv_predict_options *options);
#define fv_predictor_new(model, error, ...) fv_predictor_new_with(model, error, FV_OPTIONS(fv_predict_options, __VA_ARGS__))
FV_API fv_status fv_predictor_file(fv_predictor *predictor, const char *path, fv_tensor *out, fv_error *error);
FV_API void fv_predictor_free(fv_predictor *predictor);

/* ---- how fast a net is ------------------------------------------------------------------------------------------ */

/* Seconds of a step, over the steps that were timed. */
typedef struct fv_timing {
    int64_t batch, steps;
    double median, least, lower, upper, most; /* lower and upper: quartiles */
    double macs;                              /* multiply-adds of a step as direct sums, of convolutions and products */
    double peak; /* floating-point operations in a second that multiply-adds reached in between (fv_peak_flops) */
    int threads;
} fv_timing;

typedef struct fv_bench_options {
    size_t size;
    int64_t batch;         /* default 1; of training: the net's train line, else 64 */
    fv_shape input;        /* sample shape of the first data input where the net leaves it open */
    bool training;         /* forward, backward and the optimizer's update as in fv_fit; default: forward as in prediction */
    const char *optimizer; /* of training; default: the net's train line, else adam */
    const char *loss;      /* of training; default: the net's, else the usual one for its end */
    int threads;           /* 0: all that the process may use */
    bool exact;            /* only sums that round no worse than direct ones */
    bool bf16;             /* products of bf16 numbers, as in fv_run_options */
    double seconds;        /* to measure; default 1 */
    int64_t least_steps;   /* also when that takes longer; default 5 */
} fv_bench_options;
/* Times steps on one batch of drawn numbers; reading samples is no part of them. The net stays as it is. */
FV_API fv_status fv_bench_with(fv_net *net, fv_timing *out, fv_error *error, const fv_bench_options *options);
#define fv_bench(net, out, error, ...) fv_bench_with(net, out, error, FV_OPTIONS(fv_bench_options, __VA_ARGS__))

/* Floating-point operations in a second that multiply-adds reach on so many threads (0: all) with the instruction set in use,
 * nothing read and nothing written; takes some tens of milliseconds. */
FV_API double fv_peak_flops(int threads);

/* ---- the machine ----------------------------------------------------------------------------------------------------
 */

FV_API int fv_threads(void);             /* how many threads the default pool uses */
FV_API void fv_set_threads(int threads); /* 0: all that the process may use; not while anything runs */
FV_API const char *fv_isa(void);         /* "avx512", "avx2", "generic", "reference" */
/* Pins the instruction set; refused when the machine lacks it. Also the environment variable FOVEA_ISA, read at start.
 */
FV_API fv_status fv_set_isa(const char *name, fv_error *error);
/* Does the instruction set in use multiply bf16 numbers (avx512 on a machine with AVX512_BF16)? Else `bf16` changes nothing. */
FV_API bool fv_has_bf16(void);

/* ---- an operator of your own ----------------------------------------------------------------------------------------
 */

/* One call of a custom operator: n samples; tensors as the shapes said. Gradients that nobody wants are NULL data. */
typedef struct fv_custom_call {
    int64_t n;
    const fv_tensor *inputs; /* data inputs, then parameters */
    const fv_tensor *output;
    const fv_tensor *d_output; /* backward only */
    const fv_tensor *d_inputs; /* backward only: to be written */
    void *user;
} fv_custom_call;

typedef struct fv_custom_op {
    size_t size;
    const char *name, *summary;
    int inputs;     /* data inputs */
    int parameters; /* at most 8 */
    const char *parameter_names[8];
    /* Shape of the output and of the parameters from those of the inputs (batch dimension in front as FV_BATCH). */
    fv_status (*shape)(void *user, const fv_shape *inputs, fv_shape *output, fv_shape *parameters, fv_error *error);
    void (*forward)(const fv_custom_call *call);
    void (*backward)(const fv_custom_call *call); /* NULL: not differentiable */
    void *user;
} fv_custom_op;
/* Makes the operator known to this net (fv_apply and, before parsing, its text). The record is copied. */
FV_API fv_status fv_net_register(fv_net *net, const fv_custom_op *op, fv_error *error);

#ifdef __cplusplus
}
#endif

#ifndef FV_NO_OPS /* the builders themselves are compiled without the header that is made from them */
#include "fovea_ops.h"
#endif

#endif
