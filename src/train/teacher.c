/* teacher.c - soft targets: a model learns from what another one answers (Hinton, Vinyals and Dean 2015). To the loss comes the
 * cross-entropy between the two models' probabilities at a temperature. It is in the net only while the run is planned, so that
 * the trained model does not ask for a teacher. */
#include <stdio.h>
#include <string.h>

#include "fit.h"

static fv_status add_loss(fv_teacher *teacher, fv_net *net, int logits, double temperature, double share,
                          fv_error *error) {
    char fields[64], number[32];
    fv_type type = net->values[logits].type;
    teacher->nodes = net->node_count, teacher->values = net->value_count, teacher->losses = net->loss_count;
    int target = fv_net_target(net, "teacher", &type);
    if (target < 0) return fv_net_check(net, error) ? FV_E_SHAPE : fv_fail_memory(error, "soft targets", 0);
    fv_print_double(temperature, number);
    snprintf(fields, sizeof fields, "temperature=%s", number);
    fv_value inputs[2] = {{net, logits}, {net, target}};
    fv_value loss = fv_apply(net, "crossentropy", inputs, 2, fields, error);
    if (loss.id < 0) return FV_E_SHAPE;
    for (int i = 0; i < net->loss_count; i++)
        if (i == teacher->main) teacher->main_weight = net->losses[i].weight, net->losses[i].weight *= 1 - share;
    fv_add_loss(loss, share * temperature * temperature);
    teacher->value = target;
    return fv_net_check(net, error);
}

static int main_loss(const fv_net *net) {
    int node = fv_main_loss(net);
    for (int i = 0; i < net->loss_count; i++)
        if (net->values[net->losses[i].value].kind == FV_KIND_RESULT && net->values[net->losses[i].value].node == node)
            return i;
    return -1;
}

fv_status fv_teacher_begin(fv_teacher *teacher, fv_model *student, double temperature, double share, fv_error *error) {
    teacher->main = main_loss(student->net);
    teacher->temperature = temperature;
    fv_reading reading = fv_net_reading(student->net);
    const char *loss = fv_main_loss_name(student->net);
    if (!loss || strcmp(loss, "crossentropy"))
        return fv_fail(error, FV_E_ARGUMENT, "teacher: expected a net with the loss crossentropy, got %s",
                       loss ? loss : "none");
    if (!(temperature > 0 && temperature <= 1000))
        return fv_fail(error, FV_E_ARGUMENT, "temperature: expected a number above 0 and up to 1000, got %g",
                       temperature);
    if (!(share > 0 && share <= 1))
        return fv_fail(error, FV_E_ARGUMENT, "teacher_weight: expected a number above 0 and up to 1, got %g", share);
    teacher->grown = true;
    return add_loss(teacher, student->net, reading.scores, temperature, share, error);
}

/* The student's net as it was; the run has planned with what is taken away here. */
void fv_teacher_leave_net(fv_teacher *teacher, fv_net *net) {
    if (!teacher->grown) return;
    teacher->grown = false;
    if (teacher->main_weight != 0) net->losses[teacher->main].weight = teacher->main_weight;
    net->node_count = teacher->nodes, net->value_count = teacher->values, net->loss_count = teacher->losses;
}

void fv_teacher_end(fv_teacher *teacher, fv_net *net) {
    fv_teacher_leave_net(teacher, net);
    fv_feed_end(&teacher->feed);
    fv_augment_end(&teacher->augmenting);
    fv_run_free(teacher->run);
    memset(teacher, 0, sizeof *teacher);
}

fv_status fv_teacher_connect(fv_teacher *teacher, fv_model *model, const fv_data *data, fv_run *student, int64_t batch,
                             int threads, fv_error *error) {
    fv_shape shape;
    fv_reading reading = fv_net_reading(model->net);
    int wanted[1] = {fv_net_logits_value(model->net)};
    fv_plan_options options = {.batch = batch,
                               .input = fv_feed_shape(model->net, data, &shape),
                               .wanted = wanted,
                               .wanted_count = 1,
                               .threads = threads};
    if (reading.answer != FV_ANSWER_LOGITS)
        return fv_fail(error, FV_E_ARGUMENT, "teacher: expected a model that chooses between classes");
    teacher->run = fv_run_build(model->net, &model->weights, &options, error);
    if (!teacher->run) return fv_failed(error);
    teacher->logits = fv_run_plan(teacher->run)->of_value[wanted[0]];
    teacher->target = fv_run_plan(student)->of_value[teacher->value];
    fv_tensor from = fv_run_operand(teacher->run, teacher->logits), to = fv_run_operand(student, teacher->target);
    if (fv_shape_count(&from.shape) != fv_shape_count(&to.shape))
        return fv_fail(error, FV_E_SHAPE, "teacher: it answers with %lld numbers, the student with %lld",
                       (long long)(fv_shape_count(&from.shape) / batch),
                       (long long)(fv_shape_count(&to.shape) / batch));
    return fv_feed_begin(&teacher->feed, model, data, teacher->run, false, error);
}

fv_status fv_teacher_answer(fv_teacher *teacher, fv_run *student, const int64_t *order, int64_t first, int64_t n,
                            fv_error *error) {
    if (!teacher->run) return FV_OK;
    fv_status status = fv_feed_batch(&teacher->feed, order, first, n, error);
    if (!status) status = fv_run_go(teacher->run, n, error);
    if (status) return status;
    fv_tensor from = fv_run_operand(teacher->run, teacher->logits), to = fv_run_operand(student, teacher->target);
    int64_t count = fv_shape_count(&from.shape);
    float part = (float)(1 / teacher->temperature), *out = to.data;
    for (int64_t i = 0; i < count; i++) out[i] = ((const float *)from.data)[i] * part;
    fv_reading as_logits = {.answer = FV_ANSWER_LOGITS};
    to.shape.dim[0] = n;
    return fv_to_probabilities(&as_logits, &to, fv_run_pool(teacher->run), error);
}
