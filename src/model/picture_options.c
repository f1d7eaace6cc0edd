/* picture_options.c - what a net wants of pictures: the options with which a set of picture files is opened for it. */
#include "model.h"

/* Only pictures have a size and channels; what the net leaves open stays as it is. */
static void take_size(fv_data_options *options, const fv_net *net) {
    for (int v = 0; v < net->value_count; v++) {
        const fv_value_info *info = &net->values[v];
        if (info->kind != FV_KIND_INPUT || info->target) continue;
        const int64_t *dim = info->type.shape.dim;
        if (info->type.shape.rank != 4) return;
        if (dim[1] > 0) options->height = dim[1];
        if (dim[2] > 0) options->width = dim[2];
        if (dim[3] == 1 || dim[3] == 3) options->channels = (int)dim[3];
        return;
    }
}

static void take_fit(fv_data_options *options, const fv_preprocess *preprocess) {
    options->fit = preprocess->fit;
    options->crop = preprocess->crop;
}

fv_status fv_data_options_for(fv_data_options *options, const fv_net *net, fv_error *error) {
    fv_preprocess preprocess;
    fv_status status = fv_preprocess_from_net(net, &preprocess, error);
    if (status) return status;
    take_size(options, net);
    take_fit(options, &preprocess);
    return FV_OK;
}

void fv_data_options_for_model(fv_data_options *options, const fv_model *model) {
    take_size(options, model->net);
    take_fit(options, &model->preprocess);
}
