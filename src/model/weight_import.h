/* weight_import.h - models from tensors that have PyTorch's names and layouts. */
#ifndef FV_WEIGHT_IMPORT_H
#define FV_WEIGHT_IMPORT_H

#include "store.h"

/* fv_model_import from an open store; `path` is used in messages. */
fv_model *fv_model_import_store(fv_net *net, const fv_store *store, const char *path, fv_error *error,
                                const fv_import_options *options);

#endif
