/* finetune.c - a model starts from the weights of another one. */
#include <stdio.h>
#include <string.h>

#include "train.h"

fv_status fv_model_start_from(fv_model *model, const fv_model *from, fv_on_import on_line, void *user,
                              fv_error *error) {
    if (!model || !from) return fv_fail(error, FV_E_ARGUMENT, "fv_model_start_from: no model was given");
    int taken = 0;
    for (int i = 0; i < model->weight_count; i++) {
        const char *name = fv_model_weight_name(model, i);
        int at = fv_model_find_weight(from, name);
        fv_tensor to = fv_model_weight(model, i), source = at < 0 ? (fv_tensor){0} : fv_model_weight(from, at);
        bool fits = at >= 0 && fv_shape_equal(&to.shape, &source.shape);
        char problem[256], wants[96], has[96];
        if (fits) {
            memcpy(to.data, source.data, (size_t)fv_shape_count(&to.shape) * sizeof(float));
            taken++;
        } else if (at >= 0) {
            snprintf(problem, sizeof problem, "expected %s, got %s", fv_shape_text(&to.shape, wants, sizeof wants),
                     fv_shape_text(&source.shape, has, sizeof has));
        } else {
            snprintf(problem, sizeof problem, "is not there");
        }
        fv_import_line line = {.weight = name, .source = at < 0 ? NULL : name, .problem = fits ? NULL : problem};
        if (on_line) on_line(user, &line);
    }
    if (!taken) return fv_fail(error, FV_E_SHAPE, "no weight of the other model has a name and a shape of this net");
    if (!fv_net_find_setting(model->net, "preprocess", "scale") && from->preprocess.scale != 0)
        model->preprocess = from->preprocess;
    fv_model_touch(model);
    return FV_OK;
}
