/* builders.c - fv_conv_with, fv_dense_with, ...: one function for every line of ops.def.
 *
 * They are all the same: fovea_ops.h declares the option structs from the operators' records, and fv_net_apply_options
 * reads them by those records. So this file needs no struct's members, and does without the generated header. */
#define FV_NO_OPS
#include "net.h"

enum {
#define FV_OP(name) INDEX_##name,
#include "ops.def"
#undef FV_OP
};

#define FV_OP(name)                                                                                                    \
    typedef struct fv_##name##_options fv_##name##_options;                                                            \
    FV_API fv_value fv_##name##_with(const fv_##name##_options *options);                                              \
    fv_value fv_##name##_with(const fv_##name##_options *options) {                                                    \
        return fv_net_apply_options(fv_ops[INDEX_##name], options);                                                    \
    }
#include "ops.def"
#undef FV_OP
