/* onnx_model.h - an imported graph as the rest of the room sees it. */
#ifndef FV_ONNX_MODEL_H
#define FV_ONNX_MODEL_H

#include "import.h"
#include "model.h"

/* Imports the graph into *im (fv_import_end frees it, in any case). `exact`: to be computed once, as it says. */
fv_status fv_onnx_import(fv_import *im, const fv_onnx_file *file, const fv_onnx_options *options, bool exact,
                         fv_error *error);

/* The model of an .onnx file that is open. */
fv_model *fv_onnx_to_model(const fv_onnx_file *file, const fv_onnx_options *options, fv_error *error);

#endif
