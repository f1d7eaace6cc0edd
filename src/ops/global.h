/* global.h - pooling over the whole picture. */
#ifndef FV_OPS_GLOBAL_H
#define FV_OPS_GLOBAL_H

#include "spatial.h"

fv_status fv_infer_global(fv_infer *infer, bool keep_dims);
void fv_emit_global(fv_emit *e, fv_pooling kind);
void fv_emit_global_back(fv_emit *e, fv_pooling kind);

#endif
