/* onnx_file.h - what an .onnx file says, as plain structs over its mapped bytes: operators, their operands and attributes,
 * tensors. Nothing here knows what an operator means; import.h does.
 *
 * Everything in the file is checked before it is believed: lengths against the file's, shapes against the bytes that are
 * there. Memory is taken in proportion to what was read. Graphs inside attributes are passed over unread, so nothing nests. */
#ifndef FV_ONNX_FILE_H
#define FV_ONNX_FILE_H

#include "error.h"
#include "memory.h"

enum { FV_ONNX_MOST_NODES = 1 << 16 };

/* Metadata of files of ours: channels_first or channels_last, how inputs and outputs of rank 3 and more lie. */
#define FV_ONNX_ORDER "fovea.order"

/* A tensor of the file. Its elements lie in the file as they are, or were unpacked because the file holds them otherwise. */
typedef struct fv_onnx_tensor {
    const char *name; /* "" where it has none */
    int type;         /* TensorProto.DataType */
    fv_dtype
        dtype; /* what it becomes here: the same, else the next wider one, f64 becomes f32; FV_NO_DTYPE: we lack it */
    fv_shape shape;
    size_t count;
    const unsigned char *bytes; /* count elements, little-endian, at any address */
} fv_onnx_tensor;

typedef enum fv_onnx_kind {
    FV_ONNX_NONE,
    FV_ONNX_FLOAT,
    FV_ONNX_INT,
    FV_ONNX_TEXT,
    FV_ONNX_TENSOR,
    FV_ONNX_FLOATS,
    FV_ONNX_INTS,
    FV_ONNX_OTHER /* graphs, lists of texts, sparse tensors, ...: what we have no use for */
} fv_onnx_kind;

typedef struct fv_onnx_attribute {
    const char *name;
    fv_onnx_kind kind;
    double number; /* FLOAT */
    int64_t whole; /* INT */
    const char *text;
    const fv_onnx_tensor *tensor;
    int count; /* of FLOATS and INTS */
    const double *numbers;
    const int64_t *wholes;
} fv_onnx_attribute;

typedef struct fv_onnx_node {
    int index;                      /* in the graph, from 0 */
    const char *name, *op, *domain; /* domain "" for ai.onnx, too */
    int version;                    /* of the domain's operators: the opset that the file imports */
    int input_count, output_count;
    const char **inputs, **outputs; /* "" where an optional one is left out */
    int attribute_count;
    const fv_onnx_attribute *attributes;
} fv_onnx_node;

/* An input or output of the graph. */
typedef struct fv_onnx_port {
    const char *name;
    int type;       /* 0: not said */
    fv_dtype dtype; /* FV_NO_DTYPE: not said, or a type that we lack */
    bool known_rank;
    fv_shape shape; /* FV_OPEN where a size is symbolic or not said */
} fv_onnx_port;

typedef struct fv_onnx_pair {
    const char *key, *value;
} fv_onnx_pair;

typedef struct fv_onnx_file fv_onnx_file;

/* True when the bytes begin like a ModelProto. */
bool fv_onnx_is(const unsigned char *bytes, size_t size);
/* Maps the file; external data come from plain files below its folder. NULL and *error. */
fv_onnx_file *fv_onnx_file_open(const char *path, fv_error *error);
/* The same over bytes that outlive it. `folder` (may be NULL: none) is where external data are. */
fv_onnx_file *fv_onnx_file_parse(const unsigned char *bytes, size_t size, const char *name, const char *folder,
                                 fv_error *error);
void fv_onnx_file_close(fv_onnx_file *file);

const char *fv_onnx_file_name(const fv_onnx_file *file);
int fv_onnx_node_count(const fv_onnx_file *file);
const fv_onnx_node *fv_onnx_node_at(const fv_onnx_file *file, int index);
int fv_onnx_initializer_count(const fv_onnx_file *file);
const fv_onnx_tensor *fv_onnx_initializer(const fv_onnx_file *file, int index);
/* Inputs without those that have an initializer of the same name: those are its values. */
int fv_onnx_input_count(const fv_onnx_file *file);
const fv_onnx_port *fv_onnx_input(const fv_onnx_file *file, int index);
int fv_onnx_output_count(const fv_onnx_file *file);
const fv_onnx_port *fv_onnx_output(const fv_onnx_file *file, int index);
int fv_onnx_metadata_count(const fv_onnx_file *file);
fv_onnx_pair fv_onnx_metadata(const fv_onnx_file *file, int index);

/* One TensorProto alone, as test data and external tools write it. Free data with fv_free. */
fv_status fv_onnx_tensor_parse(const unsigned char *bytes, size_t size, const char *name, fv_tensor *out,
                               fv_error *error);

/* The elements as `dtype`, `count` of them into `out`. */
fv_status fv_onnx_tensor_read(const fv_onnx_tensor *tensor, void *out, fv_error *error);
/* A TensorProto.DataType: its name there ("float", "int64"), and what it becomes here. */
const char *fv_onnx_type_name(int64_t type);
fv_dtype fv_onnx_dtype(int64_t type);
/* Do its elements lie in the file as floats in memory? */
static inline bool fv_onnx_plain_floats(const fv_onnx_tensor *tensor) { return tensor->type == 1 && tensor->bytes; }

/* ---- attributes ------------------------------------------------------------------------------------------------- */

/* NULL if the node has none of that name. */
const fv_onnx_attribute *fv_onnx_find(const fv_onnx_node *node, const char *name);
/* Its value, or `standard` where it is not there or of another kind. */
int64_t fv_onnx_int(const fv_onnx_node *node, const char *name, int64_t standard);
double fv_onnx_float(const fv_onnx_node *node, const char *name, double standard);
const char *fv_onnx_text(const fv_onnx_node *node, const char *name, const char *standard);
const fv_onnx_tensor *fv_onnx_tensor_of(const fv_onnx_node *node, const char *name);
/* The list, *count is 0 and the result NULL where it is not there. */
const int64_t *fv_onnx_ints(const fv_onnx_node *node, const char *name, int *count);
const double *fv_onnx_floats(const fv_onnx_node *node, const char *name, int *count);

#endif
