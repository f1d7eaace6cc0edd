/* export_state.h - what the files of the exporter share; rules see export.h alone. */
#ifndef FV_ONNX_EXPORT_STATE_H
#define FV_ONNX_EXPORT_STATE_H

#include "export.h"
#include "wire.h"

enum { FV_ONNX_OPSET = 17, FV_ONNX_IR = 8 };

/* Field numbers of ONNX's messages (onnx.proto). */
enum {
    FV_MODEL_IR = 1,
    FV_MODEL_PRODUCER = 2,
    FV_MODEL_PRODUCER_VERSION = 3,
    FV_MODEL_GRAPH = 7,
    FV_MODEL_OPSET = 8,
    FV_MODEL_METADATA = 14,
    FV_OPSET_VERSION = 2,
    FV_ENTRY_KEY = 1,
    FV_ENTRY_VALUE = 2,
    FV_GRAPH_NODE = 1,
    FV_GRAPH_NAME = 2,
    FV_GRAPH_INITIALIZER = 5,
    FV_GRAPH_INPUT = 11,
    FV_GRAPH_OUTPUT = 12,
    FV_NODE_INPUT = 1,
    FV_NODE_OUTPUT = 2,
    FV_NODE_NAME = 3,
    FV_NODE_OP = 4,
    FV_NODE_ATTRIBUTE = 5,
    FV_ATTRIBUTE_NAME = 1,
    FV_ATTRIBUTE_REAL = 2,
    FV_ATTRIBUTE_INT = 3,
    FV_ATTRIBUTE_TEXT = 4,
    FV_ATTRIBUTE_INTS = 8,
    FV_ATTRIBUTE_TYPE = 20,
    FV_TENSOR_DIMS = 1,
    FV_TENSOR_TYPE = 2,
    FV_TENSOR_NAME = 8,
    FV_TENSOR_RAW = 9,
    FV_PORT_NAME = 1,
    FV_PORT_TYPE = 2,
    FV_TYPE_TENSOR = 1,
    FV_TYPE_ELEMENT = 1,
    FV_TYPE_SHAPE = 2,
    FV_SHAPE_DIM = 1,
    FV_DIM_VALUE = 1,
    FV_DIM_NAME = 2
};

struct fv_export {
    const fv_model *model;
    const fv_net *net;
    fv_type *types;       /* by value */
    fv_exported *values;  /* by value; name NULL: not made */
    fv_exported *turned;  /* by value: the same in the other order; name NULL: nobody asked yet */
    const char **weights; /* by value: the initializer's name; NULL: not written */
    fv_arena *arena;
    fv_wire nodes, initializers;
    size_t node_begun;
    const char *path;
    fv_error *error;
    fv_status status;
    int made; /* names and operators so far */
    bool channels_last;
};

/* TensorProto's number of a type; 0: it has none. */
int fv_export_element(fv_dtype dtype);
const char *fv_export_initializer(fv_export *ex, const char *name, fv_dtype dtype, const fv_shape *shape,
                                  const void *data);
const char *fv_export_new_name(fv_export *ex, const char *stem);
/* The value in that order; new operators carry the node's name. */
fv_exported fv_export_reorder(fv_export *ex, const fv_node *node, const fv_exported *x, fv_export_order order);

#endif
