/* onnx_parse.h - what the files of the ONNX reader share. */
#ifndef FV_ONNX_PARSE_H
#define FV_ONNX_PARSE_H

#include "mapped.h"
#include "onnx_file.h"
#include "text.h"
#include "wire.h"

typedef struct fv_onnx_opset {
    const char *domain;
    int version;
} fv_onnx_opset;

typedef struct fv_onnx_external {
    const char *name;
    fv_mapping map;
} fv_onnx_external;

struct fv_onnx_file {
    fv_arena *arena;
    const char *name, *folder; /* folder NULL: no external data */
    fv_mapping map;
    fv_onnx_external *externals;
    int external_count, external_capacity;
    fv_onnx_opset *opsets;
    int opset_count;
    fv_onnx_node *nodes;
    int node_count;
    fv_onnx_tensor *initializers;
    int initializer_count;
    int *slots; /* a hash of the initializers' names: index + 1, 0 empty */
    size_t slot_count;
    fv_onnx_port *inputs, *outputs;
    int input_count, output_count;
    fv_onnx_pair *metadata;
    int metadata_count;
};

/* A message that is being read. */
typedef struct fv_onnx_message {
    const unsigned char *at;
    size_t left;
} fv_onnx_message;

typedef struct fv_onnx_reader {
    fv_onnx_file *file; /* NULL: a tensor by itself */
    fv_arena *arena;
    const char *name;
    fv_error *error;
    char where[160]; /* in front of messages: the node or the tensor */
} fv_onnx_reader;

FV_PRINTF(2, 3) fv_status fv_onnx_bad(fv_onnx_reader *r, const char *format, ...);
fv_status fv_onnx_short(fv_onnx_reader *r, size_t bytes); /* of memory */
fv_status fv_onnx_damaged(fv_onnx_reader *r, const char *what);
void *fv_onnx_take(fv_onnx_reader *r, size_t count, size_t each);
const char *fv_onnx_copy(fv_onnx_reader *r, const fv_wire_field *field); /* NULL: no text, or memory is short */
/* Sets r->where from a format with one %s for the (escaped) name. */
void fv_onnx_here(fv_onnx_reader *r, const char *format, const char *name);
/* How many fields of that number and of bytes the message has. */
int fv_onnx_count(fv_onnx_message m, int number);

/* Numbers of a repeated field, packed or not: `width` 4 or 8 for fixed ones, 0 for varints. False when damaged. */
bool fv_onnx_count_numbers(fv_onnx_message m, int number, int width, size_t *count);
void fv_onnx_read_numbers(fv_onnx_message m, int number, int width, uint64_t *out);

fv_status fv_onnx_read_tensor(fv_onnx_reader *r, fv_onnx_message m, fv_onnx_tensor *out);

/* The hash of the initializers' names; two of one name are an error. */
fv_status fv_onnx_index_names(fv_onnx_reader *r);
int fv_onnx_named(const fv_onnx_file *file, const char *name); /* -1: none */

#endif
