/* fit_augment.c - the samples of a training are changed at random: what the settings ask for is made ready. */
#include "fit.h"

fv_status fv_fit_augment(fv_training *t) {
    fv_augment_plan plan;
    fv_status status = fv_augment_read(t->settings.augment, &plan, t->error);
    if (status || !plan.count) return status;
    status =
        fv_augment_begin(&t->augmenting, &plan, t->data, t->feed.preprocess, t->feed.into, t->settings.seed, t->error);
    if (status) return status;
    t->feed.augmenting = &t->augmenting;
    const char *doubtful = fv_augment_doubtful(&plan, t->data);
    if (doubtful)
        fv_fit_say(t,
                   "augment: %s mirrors pictures, and the classes are 0 to 9: a mirrored digit is another sign or none",
                   doubtful);
    return FV_OK;
}
