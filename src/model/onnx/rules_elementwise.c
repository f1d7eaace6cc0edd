/* rules_elementwise.c - operators whose cells depend on the same cell alone: the order of their operands stays. */
#include "import.h"

fv_status fv_rule_add(fv_import *im, const fv_onnx_node *node) {
    fv_imported x[2];
    fv_value y, values[2];
    bool last;
    fv_status status = fv_import_together(im, node, 0, 2, x, &last);
    if (status) return status;
    for (int i = 0; i < 2; i++) values[i] = x[i].value;
    status = fv_import_apply(im, node, &y, "add", values, 2, " ");
    return status ? status : fv_import_bind(im, node, 0, y, last);
}
