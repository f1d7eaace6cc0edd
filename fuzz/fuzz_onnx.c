/* fuzz_onnx.c - any bytes as an .onnx file: a model whose net can be planned, or an error; and as one TensorProto. */
#include "onnx_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { MOST_BYTES = 64 << 20 };

/* A model that needs much memory is a claim of the file that nothing here has to meet. */
static void plan(fv_model *model) {
    fv_error error;
    fv_foretold needs;
    if (!model || fv_foretell(fv_model_net(model), &needs, &error, .threads = 1)) return;
    if (needs.total > MOST_BYTES) return;
    fv_run_free(fv_run_new(model, &error, .threads = 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fv_error error;
    fv_tensor tensor;
    fv_onnx_is(bytes, size);
    fv_onnx_file *file = fv_onnx_file_parse(bytes, size, "input", NULL, &error);
    fv_model *model = file ? fv_onnx_to_model(file, &(fv_onnx_options){0}, &error) : NULL;
    plan(model);
    fv_model_free(model);
    fv_onnx_file_close(file);
    if (!fv_onnx_tensor_parse(bytes, size, "input", &tensor, &error)) fv_free(tensor.data);
    return 0;
}
