/* fit_augment.c - the samples of a training are changed at random: what the settings ask for is made ready. */
#include "fit.h"

fv_status fv_fit_share_labels(fv_training *t) {
    fv_augment_plan plan;
    fv_status status = fv_augment_read(t->settings.augment, &plan, t->error);
    return status || !fv_augment_mixes(&plan) ? status : fv_loss_takes_shares(t->model->net, t->error);
}

/* Only numbers can be mixed. */
static fv_status check_labels(fv_training *t, const fv_augment_plan *plan) {
    const fv_feed *feed = &t->feed;
    const char *name = plan->entry[plan->count - 1].record->name;
    for (int i = 0; i < t->data->field_count && fv_augment_mixes(plan); i++) {
        const fv_data_field *field = &t->data->fields[i];
        bool numbers = feed->one_hot[i] || feed->into[i].dtype == FV_F32;
        if (feed->into[i].data && field->target && (!numbers || t->augmenting.follows[i] == FV_BOXES))
            return fv_fail(t->error, FV_E_UNSUPPORTED, "augment: %s mixes labels, and '%s' cannot be mixed", name,
                           field->name);
    }
    return FV_OK;
}

/* The teacher answers to what the student sees, by its own preprocessing (Beyer et al. 2022, "Knowledge distillation: a good
 * teacher is patient and consistent"). */
static fv_status augment_teacher(fv_training *t, const fv_augment_plan *plan) {
    fv_feed *feed = &t->teacher.feed;
    feed->augmenting = &t->teacher.augmenting;
    return fv_augment_begin(feed->augmenting, plan, t->data, feed->preprocess, feed->into, t->settings.seed, t->error);
}

fv_status fv_fit_augment(fv_training *t) {
    fv_augment_plan plan;
    fv_status status = fv_augment_read(t->settings.augment, &plan, t->error);
    if (status || !plan.count) return status;
    status =
        fv_augment_begin(&t->augmenting, &plan, t->data, t->feed.preprocess, t->feed.into, t->settings.seed, t->error);
    if (!status) status = check_labels(t, &plan);
    if (status) return status;
    t->feed.augmenting = &t->augmenting;
    if (t->teacher.run) status = augment_teacher(t, &plan);
    if (status) return status;
    const char *doubtful = fv_augment_doubtful(&plan, t->data);
    if (doubtful)
        fv_fit_say(t,
                   "augment: %s mirrors pictures, and the classes are 0 to 9: a mirrored digit is another sign or none",
                   doubtful);
    return FV_OK;
}
