/* Runs: the numbers that come out, forward and backward. */
#include "run_fixture.h"

static void set_weight(const fv_weights *weights, fv_value weight, const float *numbers) {
    fill(weights->of[weight.id], numbers);
}

/* ---- by hand ---------------------------------------------------------------------------------------------------- */

static void a_dense_layer_by_hand(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .channels = 2), y = apply(net, "dense", "2 activation=relu", x);
    fv_weights weights = drawn_weights(net, 1);
    set_weight(&weights, fv_parameter_of(y, 0), (float[]){1, 2, 3, 4});
    set_weight(&weights, fv_parameter_of(y, 1), (float[]){10, -20});
    fv_run *run = build_run(net, &weights, &(fv_plan_options){.batch = 2});
    fill(fv_run_input(run, NULL), (float[]){1, 1, 2, 5});
    go(run, 2);
    check_numbers("y", fv_run_output(run, NULL), (double[]){14, 0, 27, 4}, 4);
    fv_run_free(run);
    free_weights(net, &weights);
    fv_net_free(net);
}

/* y = w*(w*x): dL/dw = dL/dy * 2*w*x */
static void shared_weights_add_up_their_gradients(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .channels = 1), a = apply(net, "dense", "1 bias=no", x), w = fv_parameter_of(a, 0);
    fv_value y = apply(net, "dense", "1 bias=no", a, w);
    fv_value t = fv_input(net, .name = "t", .channels = 1, .target = true);
    fv_add_loss(apply(net, "mse", "", y, t), 1);
    fv_weights weights = drawn_weights(net, 1);
    set_weight(&weights, w, (float[]){3});
    fv_run *run = build_run(net, &weights, &(fv_plan_options){.batch = 1, .training = true, .gradients = true});
    fill(fv_run_input(run, NULL), (float[]){2});
    fill(fv_run_input(run, "t"), (float[]){10});
    go(run, 1);
    check_near("loss", fv_run_loss(run), 64, 0);
    check_numbers("dw", fv_run_gradient(run, w), (double[]){192}, 1);
    fv_run_free(run);
    free_weights(net, &weights);
    fv_net_free(net);
}

/* L = mean over samples of (x*x + x + x)^2, read twice by one operator and by two */
static void a_value_read_twice_adds_up_its_gradient(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .channels = 1), square = apply(net, "multiply", "", x, x);
    fv_value y = apply(net, "add", "", square, apply(net, "add", "", x, x));
    fv_value t = fv_input(net, .name = "t", .channels = 1, .target = true);
    fv_add_loss(apply(net, "mse", "", y, t), 1);
    fv_run *run = build_run(net, &(fv_weights){0}, &(fv_plan_options){.batch = 2, .by = &x.id, .by_count = 1});
    fill(fv_run_input(run, NULL), (float[]){1, 3});
    fill(fv_run_input(run, "t"), (float[]){0, 0});
    go(run, 2);
    check_near("loss", fv_run_loss(run), (9 + 225) / 2.0, 0);
    check_numbers("dx", fv_run_gradient(run, x), (double[]){3 * 4, 15 * 8}, 2); /* 2y/n * (2x + 2) */
    fill(fv_run_input(run, NULL), (float[]){3, 0});
    go(run, 1); /* a short batch: the mean is over one */
    check_numbers("dx", fv_run_gradient(run, x), (double[]){30 * 8}, 1);
    fv_run_free(run);
    fv_net_free(net);
}

static void losses_are_weighted_means(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .channels = 2), y = apply(net, "dense", "1 bias=no", x), w = fv_parameter_of(y, 0);
    fv_value t = fv_input(net, .name = "t", .channels = 1, .target = true);
    fv_add_loss(apply(net, "mse", "", y, t), 1);
    fv_add_loss(apply(net, "mae", "", y, t), 0.5);
    fv_add_loss(apply(net, "penalty", "l2=0.25", w), 1); /* 0.25 * sum of squares: no batch, no mean */
    fv_weights weights = drawn_weights(net, 1);
    set_weight(&weights, w, (float[]){1, 2});
    fv_run *run = build_run(net, &weights, &(fv_plan_options){.batch = 4, .training = true, .gradients = true});
    fill(fv_run_input(run, NULL), (float[]){1, 0, 0, 1, 1, 1, 0, 0});
    fill(fv_run_input(run, "t"), (float[]){0, 0, 4, 0}); /* y - t: 1, 2, -1, 0 */
    go(run, 4);
    check_near("loss", fv_run_loss(run), 6 / 4.0 + 0.5 * 4 / 4.0 + 0.25 * 5, 1e-6);
    /* mse: 2(y-t)x/n summed: (2*1 + 2*-1)/4, (2*2 + 2*-1)/4; mae: (1 - 1)/8, (1 - 1)/8; penalty: 2*0.25*w */
    check_numbers("dw", fv_run_gradient(run, w), (double[]){0 + 0 + 0.5, 0.5 + 0 + 1}, 2);
    fv_run_free(run);
    free_weights(net, &weights);
    fv_net_free(net);
}

static void seeds_differentiate_outputs(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .channels = 2), y = apply(net, "multiply", "", x, x);
    fv_name(y, "square");
    fv_output(y, "y");
    fv_run *run =
        build_run(net, &(fv_weights){0},
                  &(fv_plan_options){.batch = 1, .by = &x.id, .by_count = 1, .seeds = &y.id, .seed_count = 1});
    fill(fv_run_input(run, NULL), (float[]){3, 4});
    fv_tensor seed = fv_run_input(run, "d:square");
    assert_non_null(seed.data);
    fill(seed, (float[]){1, 10});
    go(run, 1);
    check_numbers("dx", fv_run_gradient(run, x), (double[]){6, 80}, 2);
    fv_run_free(run);
    fv_net_free(net);
}

static void running_statistics_are_written_in_place(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .channels = 1), y = apply(net, "batchnorm", "momentum=0.5", x);
    fv_value t = fv_input(net, .name = "t", .channels = 1, .target = true);
    fv_add_loss(apply(net, "mse", "", y, t), 1);
    fv_weights weights = drawn_weights(net, 1);
    int changed = 0;
    fv_run *run = build_run(net, &weights, &(fv_plan_options){.batch = 2, .training = true, .gradients = true});
    fill(fv_run_input(run, NULL), (float[]){4, 8});
    fill(fv_run_input(run, "t"), (float[]){0, 0});
    go(run, 2);
    for (int v = 0; v < net->value_count; v++)
        if (net->values[v].kind == FV_KIND_STATE && strstr(net->values[v].name, "mean")) {
            check_near("running mean", number(weights.of[v], 0), 0.5 * 1 + 0.5 * 6, 1e-6);
            changed++;
        }
    assert_int_equal(changed, 1);
    fv_run_free(run);
    free_weights(net, &weights);
    fv_net_free(net);
}

/* ---- gradients by finite differences, in double ----------------------------------------------------------------- */

static void check_difference(fv_run *run, const char *name, fv_tensor at, fv_tensor gradient, int64_t i) {
    double *place = (double *)at.data + i, old = *place, h = 1e-5;
    double analytic = number(gradient, i);
    *place = old + h, go(run, 3);
    double above = fv_run_loss(run);
    *place = old - h, go(run, 3);
    double below = fv_run_loss(run);
    *place = old, go(run, 3);
    char label[200];
    snprintf(label, sizeof label, "d loss / d %s[%d]", name, (int)i);
    check_near(label, analytic, (above - below) / (2 * h), 1e-7 * (1 + fabs(analytic)));
}

/* Every weight and the input. */
static void check_net(fv_net *net, fv_value x) {
    fv_weights weights = drawn_weights(net, 5);
    fv_run *run = build_run(net, &weights,
                            &(fv_plan_options){.batch = 3,
                                               .training = true,
                                               .gradients = true,
                                               .by = &x.id,
                                               .by_count = 1,
                                               .table = fv_reference_f64(),
                                               .threads = 1});
    const fv_plan *plan = fv_run_plan(run);
    draw_inputs(run, 9);
    go(run, 3);
    int checked = 0;
    for (int v = 0; v < net->value_count; v++) {
        if (net->values[v].kind == FV_KIND_RESULT || plan->gradient_of[v] < 0) continue;
        fv_tensor gradient = fv_run_operand(run, plan->gradient_of[v]), at = fv_run_operand(run, plan->of_value[v]);
        assert_int_equal(gradient.dtype, FV_F64);
        assert_int_equal(fv_shape_count(&gradient.shape), fv_shape_count(&at.shape));
        for (int64_t i = 0; i < fv_shape_count(&at.shape); i += 3)
            check_difference(run, net->values[v].name, at, gradient, i), checked++;
    }
    assert_true(checked > 5);
    fv_run_free(run);
    free_weights(net, &weights);
    fv_net_free(net);
}

static void end_in_loss(fv_net *net, fv_value y, const char *name) {
    fv_value flat = apply(net, "flatten", "", y), t = fv_input(net, .name = name, .channels = 2, .target = true);
    fv_add_loss(apply(net, "mse", "", apply(net, "dense", "2", flat), t), 0.7);
}

static void a_residual_net_has_the_right_gradient(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .height = 4, .width = 3, .channels = 2);
    fv_value a = apply(net, "conv", "3 3x3 padding=same activation=tanh", x);
    fv_value b = apply(net, "conv", "3 3x3 padding=same", a);
    end_in_loss(net, apply(net, "gelu", "", apply(net, "add", "", b, a)), "t");
    check_net(net, x);
}

static void a_concat_has_the_right_gradient(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .height = 4, .width = 4, .channels = 2);
    fv_value a = apply(net, "conv", "2 3x3 padding=same activation=sigmoid", x), b = apply(net, "conv", "3 1x1", x);
    fv_value c = apply(net, "concat", "", a, b, x);
    end_in_loss(net, apply(net, "avgpool", "2x2", apply(net, "batchnorm", "", c)), "t");
    check_net(net, x);
}

static void two_losses_have_the_right_gradient(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .channels = 5), body = apply(net, "dense", "4 activation=swish", x);
    end_in_loss(net, body, "t1");
    end_in_loss(net, apply(net, "multiply", "", body, apply(net, "tanh", "", body)), "t2");
    fv_value logits = apply(net, "dense", "3", body),
             target = fv_input(net, .name = "class", .dtype = FV_I32, .target = true);
    fv_add_loss(apply(net, "crossentropy", "", logits, target), 0.3);
    fv_add_loss(apply(net, "penalty", "l2=0.1", fv_parameter_of(logits, 0)), 1);
    check_net(net, x);
}

/* ---- what can be read ------------------------------------------------------------------------------------------- */

static void wanted_values_are_readable_others_not(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .channels = 2), a = apply(net, "tanh", "", x), b = apply(net, "sigmoid", "", a);
    apply(net, "tanh", "", b);
    fv_run *run = build_run(net, &(fv_weights){0}, &(fv_plan_options){.batch = 2, .wanted = &a.id, .wanted_count = 1});
    fill(fv_run_input(run, "input"), (float[]){0, 1, 0, 2});
    go(run, 2);
    check_numbers("a", fv_run_value(run, a), (double[]){0, tanh(1), 0, tanh(2)}, 4);
    assert_null(fv_run_value(run, b).data);
    assert_null(fv_run_gradient(run, a).data);
    assert_null(fv_run_input(run, "nothing").data);
    assert_null(fv_run_output(run, "nothing").data);
    apply(net, "relu", "", b); /* the net may grow while runs are there */
    fv_value later = fv_input(net, .name = "later", .channels = 1);
    assert_null(fv_run_input(run, "later").data);
    assert_null(fv_run_value(run, later).data);
    go(run, 1);
    assert_int_equal(fv_run_output(run, NULL).shape.dim[0], 1);
    fv_run_free(run);
    fv_net_free(net);
}

static void what_does_not_lead_to_a_loss_has_no_gradient(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .channels = 2), side = apply(net, "dense", "1", x), y = apply(net, "dense", "1", x);
    fv_output(side, "side");
    fv_add_loss(apply(net, "mse", "", y, fv_input(net, .name = "t", .channels = 1, .target = true)), 1);
    fv_weights weights = drawn_weights(net, 1);
    fv_run *run = build_run(net, &weights, &(fv_plan_options){.batch = 2, .gradients = true});
    go(run, 2);
    assert_null(fv_run_gradient(run, fv_parameter_of(side, 0)).data);
    assert_non_null(fv_run_gradient(run, fv_parameter_of(y, 0)).data);
    assert_null(fv_run_gradient(run, x).data);
    fv_run_free(run);
    free_weights(net, &weights);
    fv_net_free(net);
}

/* ---- weights, threads, mistakes --------------------------------------------------------------------------------- */

static fv_net *classifier(void) {
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .height = 12, .width = 12, .channels = 3);
    x = apply(net, "conv", "16 3x3 activation=relu", x);
    x = apply(net, "maxpool", "2x2", apply(net, "batchnorm", "", x));
    x = apply(net, "dropout", "0.5", apply(net, "dense", "20 activation=relu", apply(net, "flatten", "", x)));
    fv_value logits = apply(net, "dense", "10", x);
    fv_output(logits, "y");
    fv_add_loss(apply(net, "crossentropy", "", logits, fv_input(net, .name = "class", .dtype = FV_I32, .target = true)),
                1);
    return net;
}

static void new_weights_are_seen_when_the_version_grows(void **state) {
    (void)state;
    fv_net *net = classifier();
    fv_weights weights = drawn_weights(net, 1), others = drawn_weights(net, 2);
    fv_run *run = build_run(net, &weights, &(fv_plan_options){.batch = 9});
    fv_run *fresh = build_run(net, &others, &(fv_plan_options){.batch = 9});
    draw_inputs(run, 1), draw_inputs(fresh, 1);
    go(run, 9);
    for (int v = 0; v < net->value_count; v++)
        if (weights.of[v].data)
            memcpy(weights.of[v].data, others.of[v].data, (size_t)fv_shape_count(&others.of[v].shape) * sizeof(float));
    weights.version++;
    go(run, 9), go(fresh, 9);
    check_same_bits("y", fv_run_output(fresh, "y"), fv_run_output(run, "y"));
    fv_run_free(run), fv_run_free(fresh);
    free_weights(net, &weights), free_weights(net, &others);
    fv_net_free(net);
}

/* ---- packed weights --------------------------------------------------------------------------------------------- */

/* The reference convolution over packed weights: what is packed is twice the weights. */
static int packs;

static void pack_need(const fv_geom *geom, int threads, fv_need *need) {
    (void)threads;
    const fv_conv_geom *g = &geom->conv;
    need->packed = sizeof(float) * (size_t)(g->kernel[0] * g->kernel[1] * g->kernel[2] * g->c * g->f);
    need->packed_arg = 2;
}

static fv_status pack_twice(const fv_geom *geom, const void *weights, void *packed, fv_pool *pool) {
    fv_need need;
    pack_need(geom, 1, &need);
    (void)pool;
    for (size_t i = 0; i < need.packed / sizeof(float); i++) ((float *)packed)[i] = 2 * ((const float *)weights)[i];
    packs++;
    return FV_OK;
}

static fv_status run_packed(const fv_call *call) {
    fv_call plain = *call;
    plain.arg[2] = call->packed;
    return fv_reference_f32()->kernels[FV_R_CONV][0]->run(&plain);
}

static fv_table packing_table(void) {
    static const fv_kernel kernel = {.name = "conv.packed", .need = pack_need, .pack = pack_twice, .run = run_packed};
    fv_table table = *fv_reference_f32();
    memset(table.kernels[FV_R_CONV], 0, sizeof table.kernels[FV_R_CONV]);
    table.kernels[FV_R_CONV][0] = &kernel;
    return table;
}

static void weights_are_packed_once_for_each_version(void **state) {
    (void)state;
    fv_table table = packing_table();
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .channels = 1), a = apply(net, "dense", "1 bias=no", x);
    apply(net, "dense", "1 bias=no", a,
          fv_parameter_of(a, 0)); /* the same weights in the same way: packed once for both */
    fv_weights weights = drawn_weights(net, 1);
    set_weight(&weights, fv_parameter_of(a, 0), (float[]){3});
    packs = 0;
    fv_run *run = build_run(net, &weights, &(fv_plan_options){.batch = 1, .table = &table});
    fill(fv_run_input(run, NULL), (float[]){1});
    go(run, 1);
    check_numbers("packed", fv_run_output(run, NULL), (double[]){36}, 1);
    go(run, 1);
    assert_int_equal(packs, 1);
    set_weight(&weights, fv_parameter_of(a, 0), (float[]){5});
    go(run, 1);
    check_numbers("nobody was told", fv_run_output(run, NULL), (double[]){36}, 1);
    weights.version++;
    go(run, 1);
    check_numbers("packed anew", fv_run_output(run, NULL), (double[]){100}, 1);
    assert_int_equal(packs, 2);
    fv_run_free(run);
    free_weights(net, &weights);
    fv_net_free(net);
}

static void computed_weights_are_packed_in_every_run(void **state) {
    (void)state;
    fv_table table = packing_table();
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .channels = 1), w = fv_input(net, .name = "w", .no_batch = true, .shape = {2, {1, 1}});
    apply(net, "dense", "1 bias=no", x, apply(net, "add", "", w, w));
    fv_run *run = build_run(net, &(fv_weights){0}, &(fv_plan_options){.batch = 1, .table = &table});
    fill(fv_run_input(run, NULL), (float[]){1});
    for (int i = 1; i <= 3; i++) {
        fill(fv_run_input(run, "w"), (float[]){(float)i});
        go(run, 1);
        check_numbers("y", fv_run_output(run, NULL), (double[]){4 * i}, 1);
    }
    fv_run_free(run);
    fv_net_free(net);
}

/* y = x + w*w: the product is made, and its weights packed, when the weights have changed. */
static void weights_of_steady_calls_are_packed_before_them(void **state) {
    (void)state;
    fv_table table = packing_table();
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .channels = 1), w = fv_parameter_of(apply(net, "dense", "1 bias=no", x), 0);
    apply(net, "add", "", x, apply(net, "dense", "1 bias=no", w, w));
    fv_weights weights = drawn_weights(net, 1);
    fv_run *run = build_run(net, &weights, &(fv_plan_options){.batch = 1, .table = &table});
    assert_int_equal(fv_run_plan(run)->steady_calls, 1);
    fill(fv_run_input(run, NULL), (float[]){100});
    for (int i = 1; i <= 3; i++) {
        set_weight(&weights, w, (float[]){(float)i});
        weights.version++;
        go(run, 1), go(run, 1);
        check_numbers("y", fv_run_output(run, NULL), (double[]){100 + 2 * i * i}, 1);
    }
    fv_run_free(run);
    free_weights(net, &weights);
    fv_net_free(net);
}

static void threads_do_not_change_a_bit(void **state) {
    (void)state;
    fv_net *net = classifier();
    fv_weights weights = drawn_weights(net, 1), same = drawn_weights(net, 1);
    fv_run *one =
        build_run(net, &weights, &(fv_plan_options){.batch = 21, .training = true, .gradients = true, .threads = 1});
    draw_inputs(one, 1);
    fv_run_set_moment(one, &(fv_moment){.seed = 5, .epoch = 2, .position = 64});
    go(one, 21);
    for (int threads = 2; threads <= 5; threads++) {
        fv_run *many = build_run(
            net, &same, &(fv_plan_options){.batch = 21, .training = true, .gradients = true, .threads = threads});
        draw_inputs(many, 1);
        fv_run_set_moment(many, &(fv_moment){.seed = 5, .epoch = 2, .position = 64});
        go(many, 21);
        check_near("loss", fv_run_loss(many), fv_run_loss(one), 0);
        for (int v = 0; v < net->value_count; v++)
            if (fv_run_plan(one)->gradient_of[v] >= 0 && net->values[v].kind == FV_KIND_WEIGHT)
                check_same_bits(net->values[v].name, fv_run_gradient(one, (fv_value){net, v}),
                                fv_run_gradient(many, (fv_value){net, v}));
        fv_run_free(many);
    }
    fv_run_free(one);
    free_weights(net, &weights), free_weights(net, &same);
    fv_net_free(net);
}

static void check_refused(fv_net *net, const fv_weights *weights, const fv_plan_options *options, fv_status status,
                          const char *message) {
    fv_error error;
    assert_null(fv_run_build(net, weights, options, &error));
    assert_int_equal(error.status, status);
    assert_string_equal(error.message, message);
}

static void mistakes_are_one_clear_line(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value y = apply(net, "dense", "3", fv_input(net, .channels = 2));
    fv_weights weights = drawn_weights(net, 1);
    check_refused(net, &weights, &(fv_plan_options){.batch = 0}, FV_E_ARGUMENT,
                  "batch: expected 1 .. 2147483647, got 0");
    check_refused(net, &weights, &(fv_plan_options){.batch = 1, .gradients = true}, FV_E_ARGUMENT,
                  "the net has no loss, so there is nothing to differentiate");
    check_refused(net, &weights, &(fv_plan_options){.batch = 1, .wanted = (int[]){99}, .wanted_count = 1},
                  FV_E_ARGUMENT, "wanted: value 99 is not one of the net's 4");
    fv_free(weights.of[fv_parameter_of(y, 1).id].data);
    weights.of[fv_parameter_of(y, 1).id].data = NULL;
    check_refused(net, &weights, &(fv_plan_options){.batch = 1}, FV_E_SHAPE,
                  "weight dense1.bias: expected f32 3, got nothing");
    free_weights(net, &weights);
    fv_net_free(net);
}

static void an_open_size_must_be_given(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    apply(net, "tanh", "", fv_input(net, .height = FV_OPEN, .width = FV_OPEN, .channels = 2));
    check_refused(net, &(fv_weights){0}, &(fv_plan_options){.batch = 1}, FV_E_SHAPE,
                  "input has the open shape Nx?x?x2: a run needs the input's sizes");
    fv_shape size = {3, {3, 5, 2}};
    fv_run *run = build_run(net, &(fv_weights){0}, &(fv_plan_options){.batch = 1, .input = &size});
    assert_int_equal(fv_run_input(run, NULL).shape.dim[2], 5);
    fv_run_free(run);
    fv_net_free(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dense_layer_by_hand),
        cmocka_unit_test(shared_weights_add_up_their_gradients),
        cmocka_unit_test(a_value_read_twice_adds_up_its_gradient),
        cmocka_unit_test(losses_are_weighted_means),
        cmocka_unit_test(seeds_differentiate_outputs),
        cmocka_unit_test(running_statistics_are_written_in_place),
        cmocka_unit_test(a_residual_net_has_the_right_gradient),
        cmocka_unit_test(a_concat_has_the_right_gradient),
        cmocka_unit_test(two_losses_have_the_right_gradient),
        cmocka_unit_test(wanted_values_are_readable_others_not),
        cmocka_unit_test(what_does_not_lead_to_a_loss_has_no_gradient),
        cmocka_unit_test(new_weights_are_seen_when_the_version_grows),
        cmocka_unit_test(weights_are_packed_once_for_each_version),
        cmocka_unit_test(computed_weights_are_packed_in_every_run),
        cmocka_unit_test(weights_of_steady_calls_are_packed_before_them),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(mistakes_are_one_clear_line),
        cmocka_unit_test(an_open_size_must_be_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
