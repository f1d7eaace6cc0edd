/* Plans: what is in them, where everything lies, and that a run needs nothing more. */
#include "run_fixture.h"

/* ---- random nets ------------------------------------------------------------------------------------------------ */

/* Pictures 4x4x3 through random operators, some reading far back; ends in two heads, one of them a loss. */
static fv_net *random_net(uint64_t seed) {
    static const char *const unary[] = {"relu", "sigmoid", "tanh", "gelu", "dropout", "batchnorm"};
    fv_stream stream = fv_stream_new(seed, FV_FOR_TEST, 1, 0);
    fv_net *net = fv_net_new();
    fv_value pool[24] = {fv_input(net, .height = 4, .width = 4, .channels = 3)};
    int count = 1;
    while (count < 20) {
        fv_value a = pool[fv_below(&stream, (uint64_t)count)], b = pool[fv_below(&stream, (uint64_t)count)];
        fv_value last = pool[count - 1];
        switch (fv_below(&stream, 6)) {
        case 0: pool[count++] = apply(net, "conv", "3 3x3 padding=same", last); break;
        case 1: pool[count++] = apply(net, "add", "", last, a); break;
        case 2: pool[count++] = apply(net, "multiply", "", a, b); break;
        case 3:
            last = apply(net, "concat", "", last, a);
            pool[count++] = apply(net, "conv", "3 1x1 activation=relu", last);
            break;
        default: pool[count++] = apply(net, unary[fv_below(&stream, 6)], "", last); break;
        }
    }
    fv_value flat = apply(net, "flatten", "", pool[count - 1]);
    fv_value y = apply(net, "dense", "2", flat);
    fv_output(y, "y");
    fv_output(apply(net, "tanh", "", pool[count / 2]), "side");
    fv_value target = fv_input(net, .name = "target", .channels = 2, .target = true);
    fv_add_loss(apply(net, "mse", "", y, target), 1);
    return net;
}

/* ---- no two live operands overlap ------------------------------------------------------------------------------- */

enum { GRAIN = 64 };

static void own(const fv_plan *plan, int *owner, fv_operand root) {
    const fv_operand_info *info = &plan->operands[root];
    for (size_t at = info->offset / GRAIN; at * GRAIN < info->offset + info->bytes; at++) owner[at] = root;
}

static bool owned(const fv_plan *plan, const int *owner, fv_operand root) {
    const fv_operand_info *info = &plan->operands[root];
    for (size_t at = info->offset / GRAIN; at * GRAIN < info->offset + info->bytes; at++)
        if (owner[at] != root) return false;
    return true;
}

static bool overlap(const fv_operand_info *a, const fv_operand_info *b) {
    return a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
}

/* Weights that are packed ahead may be gone when the call runs. */
static bool reads_packed(const fv_planned_call *call, int arg) {
    return call->packed && arg == call->packed_arg && !call->pack_now;
}

/* Only elementwise calls may write where they read. */
static void check_call_places(const fv_plan *plan, const fv_planned_call *call, const char *where) {
    bool elementwise = call->routine == FV_R_UNARY || call->routine == FV_R_BINARY || call->routine == FV_R_DROPOUT ||
                       call->routine == FV_R_UNARY_BACK;
    for (int k = 0; k < fv_call_results(call); k++)
        for (int j = 0; j < call->args; j++) {
            fv_operand y = fv_operand_root(plan, call->arg[k]), x = fv_operand_root(plan, call->arg[j]);
            if (y < 0 || x < 0 || x == y || plan->operands[x].home != FV_HOME_ARENA ||
                plan->operands[y].home != FV_HOME_ARENA)
                continue;
            if (!overlap(&plan->operands[x], &plan->operands[y]) || reads_packed(call, j)) continue;
            if (!elementwise || plan->operands[x].offset != plan->operands[y].offset)
                fail_msg("%s: %s writes argument %d over argument %d", where, fv_routine_name(call->routine), k, j);
        }
}

/* Plays the calls through, remembering whose numbers every 64 bytes of the arena hold. */
static void check_layout(const fv_plan *plan, const char *where) {
    int *owner = malloc((plan->arena_bytes / GRAIN + 1) * sizeof *owner);
    for (size_t at = 0; at <= plan->arena_bytes / GRAIN; at++) owner[at] = FV_NO_OPERAND;
    for (int o = 0; o < plan->operand_count; o++) {
        const fv_operand_info *info = &plan->operands[o];
        if (info->home != FV_HOME_ARENA) continue;
        if (info->offset % GRAIN) fail_msg("%s: operand %d is not aligned", where, o);
        if (info->offset + info->bytes > plan->arena_bytes && info->last >= 0)
            fail_msg("%s: operand %d lies outside", where, o);
        if (info->given) own(plan, owner, o);
    }
    for (int i = 0; i < plan->call_count; i++) {
        const fv_planned_call *call = &plan->calls[i];
        check_call_places(plan, call, where);
        for (int k = 0; k < call->args; k++) {
            fv_operand root = fv_operand_root(plan, call->arg[k]);
            if (root < 0 || plan->operands[root].home != FV_HOME_ARENA || !fv_call_reads(call, k)) continue;
            if (reads_packed(call, k)) continue;
            if (!owned(plan, owner, root))
                fail_msg("%s: call %d (%s) reads argument %d, but another value is there", where, i,
                         fv_routine_name(call->routine), k);
        }
        for (int k = 0; k < fv_call_results(call); k++) {
            fv_operand root = fv_operand_root(plan, call->arg[k]);
            if (root >= 0 && plan->operands[root].home == FV_HOME_ARENA) own(plan, owner, root);
        }
    }
    for (int o = 0; o < plan->operand_count; o++)
        if (plan->operands[o].home == FV_HOME_ARENA && plan->operands[o].pinned && plan->operands[o].last >= 0 &&
            !owned(plan, owner, o))
            fail_msg("%s: operand %d was to stay readable", where, o);
    free(owner);
}

static void live_operands_never_overlap(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        fv_net *net = random_net(seed);
        for (int kind = 0; kind < 4; kind++) {
            char where[80];
            snprintf(where, sizeof where, "net %d, %s, %s", (int)seed, kind & 1 ? "training" : "inference",
                     kind & 2 ? "plain" : "passes");
            fv_error error;
            fv_plan_options options = {
                .batch = 3, .training = kind & 1, .gradients = kind & 1, .no_passes = kind & 2, .threads = 2};
            fv_plan *plan = fv_plan_new(net, &options, &error);
            if (!plan) fail_msg("%s: %s", where, error.message);
            check_layout(plan, where);
            fv_plan_free(plan);
        }
        fv_net_free(net);
    }
}

/* ---- what the layout saves -------------------------------------------------------------------------------------- */

static void a_chain_of_elementwise_calls_shares_one_place(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .channels = 1000), y = x;
    for (int i = 0; i < 10; i++) y = apply(net, i % 2 ? "tanh" : "sigmoid", "", y);
    fv_plan *plan = fv_plan_new(net, &(fv_plan_options){.batch = 4}, NULL);
    assert_non_null(plan);
    size_t one = (4000 * sizeof(float) + 63) / 64 * 64;
    assert_int_equal(plan->call_count, 10);
    assert_int_equal(plan->arena_bytes, 2 * one); /* the input stays, the rest is one block */
    fv_plan_free(plan);
    fv_net_free(net);
}

static void a_long_chain_needs_two_places_only(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value y = fv_input(net, .channels = 512);
    for (int i = 0; i < 12; i++) y = apply(net, "dense", "512", y);
    fv_plan *plan = fv_plan_new(net, &(fv_plan_options){.batch = 1}, NULL);
    assert_non_null(plan);
    assert_int_equal(plan->arena_bytes, 3 * 512 * sizeof(float)); /* input, and two that take turns */
    fv_plan_free(plan);
    fv_net_free(net);
}

static void a_view_costs_nothing(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .height = 4, .width = 4, .channels = 2);
    fv_value c = apply(net, "conv", "3 3x3", x), flat = apply(net, "flatten", "", c);
    apply(net, "dense", "2", flat);
    fv_plan *plan = fv_plan_new(net, &(fv_plan_options){.batch = 2}, NULL);
    assert_non_null(plan);
    assert_int_equal(plan->call_count, 2);
    fv_operand view = plan->of_value[flat.id];
    assert_int_equal(plan->operands[view].home, FV_HOME_VIEW);
    assert_int_equal(fv_operand_root(plan, view), plan->of_value[c.id]);
    assert_int_equal(plan->operands[view].type.shape.rank, 2);
    fv_plan_free(plan);
    fv_net_free(net);
}

static void inference_prunes_what_only_training_needs(void **state) {
    (void)state;
    fv_net *net = random_net(7);
    fv_plan *plan = fv_plan_new(net, &(fv_plan_options){.batch = 2}, NULL);
    assert_non_null(plan);
    for (int i = 0; i < plan->call_count; i++) {
        assert_int_not_equal(plan->calls[i].routine, FV_R_LOSS);
        assert_int_not_equal(plan->calls[i].routine, FV_R_DROPOUT);
        assert_int_not_equal(plan->calls[i].routine, FV_R_BLEND);
        assert_false(plan->calls[i].backward);
    }
    for (int v = 0; v < net->value_count; v++)
        if (net->values[v].target) assert_int_equal(plan->of_value[v], FV_NO_OPERAND);
    assert_int_equal(plan->losses[0], FV_NO_OPERAND);
    fv_plan_free(plan);
    fv_net_free(net);
}

/* ---- fusing ----------------------------------------------------------------------------------------------------- */

static int count_routine(const fv_plan *plan, fv_routine routine, bool backward) {
    int count = 0;
    for (int i = 0; i < plan->call_count; i++)
        count += plan->calls[i].routine == routine && plan->calls[i].backward == backward;
    return count;
}

static fv_net *residual_net(const char *activation) {
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .height = 5, .width = 5, .channels = 4);
    fv_value a = apply(net, activation, "", apply(net, "conv", "4 3x3 padding=same", x));
    fv_value b = apply(net, "conv", "4 3x3 padding=same", a);
    fv_value y = apply(net, activation, "", apply(net, "add", "", b, a));
    fv_output(y, "y");
    fv_value target = fv_input(net, .name = "target", .height = 5, .width = 5, .channels = 4, .target = true);
    fv_add_loss(apply(net, "mse", "", y, target), 1);
    return net;
}

static void activation_and_residual_go_into_the_convolution(void **state) {
    (void)state;
    fv_net *net = residual_net("relu");
    for (int training = 0; training < 2; training++) {
        fv_plan_options options = {
            .batch = 2, .training = training, .gradients = training, .table = fv_reference_f32()};
        fv_plan *plan = fv_plan_new(net, &options, NULL);
        assert_non_null(plan);
        assert_int_equal(count_routine(plan, FV_R_CONV, false), 2);
        assert_int_equal(count_routine(plan, FV_R_UNARY, false), 0);
        assert_int_equal(count_routine(plan, FV_R_BINARY, false), 0);
        assert_true(plan->calls[1].geom.conv.add);
        assert_int_equal(plan->calls[1].geom.conv.epilogue.act, FV_U_RELU);
        fv_plan_free(plan);
    }
    fv_net_free(net);
}

static void training_keeps_what_an_activations_backward_reads(void **state) {
    (void)state;
    fv_net *net = residual_net("gelu"); /* its slope is a function of x */
    fv_plan *plan = fv_plan_new(
        net, &(fv_plan_options){.batch = 2, .training = true, .gradients = true, .table = fv_reference_f32()}, NULL);
    assert_non_null(plan);
    assert_int_equal(count_routine(plan, FV_R_UNARY, false), 2);
    fv_plan_free(plan);
    fv_net_free(net);
}

/* Two blocks of a residual net with batch norm, one with a shortcut that is normalised, too; a pooling behind a ReLU. */
static fv_net *normalised_net(const char *activation) {
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .height = 8, .width = 6, .channels = 3);
    x = apply(net, "maxpool", "2x2", apply(net, activation, "", apply(net, "conv", "5 3x3 padding=same", x)));
    x = apply(net, "maxpool", "3x3 stride=1 padding=1", apply(net, activation, "", apply(net, "conv", "5 1x1", x)));
    for (int block = 0; block < 2; block++) {
        fv_value a = apply(net, "conv", "5 3x3 padding=same bias=no", x);
        a = apply(net, activation, "", apply(net, "batchnorm", block ? "bias=no" : "", a));
        a = apply(net, "batchnorm", "", apply(net, "conv", "5 3x3 padding=same bias=no", a));
        fv_value shortcut = block ? x : apply(net, "groupnorm", "5", apply(net, "conv", "5 1x1", x));
        x = apply(net, activation, "", apply(net, "add", "", a, shortcut));
    }
    fv_value y = apply(net, "dense", "2", apply(net, "flatten", "", x));
    fv_output(y, "y");
    fv_value target = fv_input(net, .name = "target", .channels = 2, .target = true);
    fv_add_loss(apply(net, "mse", "", y, target), 1);
    return net;
}

static void norm_add_and_activation_are_one_call(void **state) {
    (void)state;
    fv_net *net = normalised_net("relu");
    fv_plan *plan = fv_plan_new(net, &(fv_plan_options){.batch = 2, .training = true, .gradients = true}, NULL);
    assert_non_null(plan);
    int adding = 0;
    for (int i = 0; i < plan->call_count; i++)
        if (plan->calls[i].routine == FV_R_NORM && plan->calls[i].geom.norm.add) {
            assert_int_equal(plan->calls[i].geom.norm.epilogue.act, FV_U_RELU);
            adding++;
        }
    assert_int_equal(adding, 2);
    assert_int_equal(count_routine(plan, FV_R_BINARY, false), 0);
    assert_int_equal(count_routine(plan, FV_R_UNARY, false), 0);
    fv_plan_free(plan);
    fv_net_free(net);
}

/* Of six ReLUs two stand before a pooling and two behind a norm; the two of sums keep a call of their own. */
static void the_gradient_of_a_relu_is_taken_on_the_way(void **state) {
    (void)state;
    fv_net *net = normalised_net("relu"), *smooth = normalised_net("tanh");
    fv_plan_options options = {.batch = 2, .training = true, .gradients = true};
    fv_plan *plan = fv_plan_new(net, &options, NULL), *other = fv_plan_new(smooth, &options, NULL);
    assert_true(plan && other);
    assert_int_equal(count_routine(plan, FV_R_UNARY_BACK, true), 2);
    assert_int_equal(count_routine(other, FV_R_UNARY_BACK, true), 6);
    for (int i = 0; i < other->call_count; i++)
        assert_false(other->calls[i].routine == FV_R_POOL_BACK && other->calls[i].geom.pool.relu);
    fv_plan_free(plan), fv_plan_free(other);
    fv_net_free(net), fv_net_free(smooth);
}

/* A U-Net of two levels, one of them pooled without a remainder. */
static fv_net *skipping_net(void) {
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .height = 12, .width = 10, .channels = 3);
    fv_value a = apply(net, "conv", "17 3x3 padding=same activation=relu", x);
    fv_value b = apply(net, "conv", "5 3x3 padding=same activation=relu", apply(net, "maxpool", "2x2", a));
    x = apply(net, "conv", "6 1x1 activation=relu", apply(net, "maxpool", "3x3 stride=2 padding=1", b));
    x = apply(net, "conv_transpose", "5 3x3 stride=2 padding=1 output_padding=1x0", x);
    x = apply(net, "conv", "7 3x3 padding=same activation=relu", apply(net, "concat", "", b, x));
    x = apply(net, "concat", "", a, apply(net, "conv_transpose", "4 2x2 stride=2", x));
    fv_value y = apply(net, "dense", "2", apply(net, "flatten", "", apply(net, "conv", "1 1x1", x)));
    fv_output(y, "y");
    fv_value target = fv_input(net, .name = "target", .channels = 2, .target = true);
    fv_add_loss(apply(net, "mse", "", y, target), 1);
    return net;
}

/* Of the two gradients of what is pooled and read again, where every cell is in one window. */
static void pooling_adds_the_other_gradient(void **state) {
    (void)state;
    fv_net *net = skipping_net();
    fv_plan *plan = fv_plan_new(net, &(fv_plan_options){.batch = 2, .training = true, .gradients = true}, NULL);
    assert_non_null(plan);
    int adding = 0;
    for (int i = 0; i < plan->call_count; i++)
        if (plan->calls[i].routine == FV_R_POOL_BACK && plan->calls[i].geom.pool.add) {
            assert_true(plan->calls[i].geom.pool.relu);
            assert_int_equal(plan->calls[i].geom.pool.add_pixel, 21); /* 17 channels of 21: read where they lie */
            adding++;
        }
    assert_int_equal(adding, 1);
    assert_int_equal(count_routine(plan, FV_R_BINARY, true), 1);
    assert_int_equal(count_routine(plan, FV_R_COPY, true), 0);
    check_layout(plan, "skips");
    fv_plan_free(plan);
    fv_net_free(net);
}

/* With all passes, in double, against central differences: the loss is a square of what is linear in one weight, as long as no
 * ReLU and no maximum changes its mind. */
static void fused_gradients_are_slopes(void **state) {
    (void)state;
    const double step = 1e-5;
    fv_net *net = skipping_net();
    fv_weights weights = drawn_weights(net, 3);
    fv_plan_options options = {.batch = 3, .training = true, .gradients = true, .table = fv_reference_f64()};
    fv_run *run = build_run(net, &weights, &options);
    draw_inputs(run, 3);
    for (int v = 0; v < net->value_count; v++) {
        if (net->values[v].kind != FV_KIND_WEIGHT) continue;
        const int64_t at = fv_shape_count(&weights.of[v].shape) / 3;
        float *weight = (float *)weights.of[v].data + at;
        const float was = *weight, ends[2] = {(float)(was - step), (float)(was + step)};
        double loss[2];
        for (int side = 0; side < 2; side++) {
            *weight = ends[side], weights.version++;
            go(run, 3);
            loss[side] = fv_run_loss(run);
        }
        *weight = was, weights.version++;
        go(run, 3);
        const double slope = (loss[1] - loss[0]) / ((double)ends[1] - (double)ends[0]);
        check_near(net->values[v].name, number(fv_run_gradient(run, (fv_value){net, v}), at), slope,
                   1e-5 * (1 + fabs(slope)));
    }
    fv_run_free(run);
    free_weights(net, &weights);
    fv_net_free(net);
}

/* Inference: conv, batchnorm, relu and add become one call, weights aside. */
static fv_net *folding_net(bool bias) {
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .height = 5, .width = 4, .channels = 3);
    fv_value a = apply(net, "conv", bias ? "6 3x3 padding=same groups=3" : "6 3x3 padding=same bias=no", x);
    a = apply(net, "relu", "", apply(net, "batchnorm", bias ? "" : "epsilon=0.1", a));
    fv_value b = apply(net, "batchnorm", bias ? "scale=no" : "bias=no", apply(net, "conv", "6 1x1", x));
    fv_value y =
        apply(net, "dense", "3", apply(net, "flatten", "", apply(net, "relu", "", apply(net, "add", "", b, a))));
    fv_output(y, "y");
    return net;
}

static void batchnorm_goes_into_the_weights(void **state) {
    (void)state;
    for (int bias = 0; bias < 2; bias++) {
        fv_net *net = folding_net(bias);
        fv_weights weights = drawn_weights(net, 3);
        fv_run *folded = build_run(net, &weights, &(fv_plan_options){.batch = 3});
        fv_run *plain = build_run(net, &weights, &(fv_plan_options){.batch = 3, .no_passes = true});
        const fv_plan *plan = fv_run_plan(folded);
        assert_int_equal(plan->call_count - plan->steady_calls, 3); /* two convolutions and the dense layer */
        assert_int_equal(fv_run_plan(plain)->call_count, 8);
        check_layout(plan, "folded");
        draw_inputs(folded, 1), draw_inputs(plain, 1);
        for (int version = 0; version < 3; version++) {
            for (int v = 0; version == 1 && v < net->value_count; v++) /* other weights; variances stay positive */
                if (weights.of[v].data && strstr(net->values[v].name, "scale")) draw(weights.of[v], "other", 7);
            weights.version += version == 1;
            go(folded, 3), go(plain, 3);
            fv_tensor y = fv_run_output(folded, "y"), expected = fv_run_output(plain, "y");
            for (int64_t i = 0; i < 9; i++) check_near("y", number(y, i), number(expected, i), 2e-5);
        }
        fv_run_free(folded), fv_run_free(plain);
        free_weights(net, &weights);
        fv_net_free(net);
    }
}

static void training_does_not_fold(void **state) {
    (void)state;
    fv_net *net = folding_net(true);
    for (int training = 0; training < 2; training++) {
        fv_value x = {net, 0};
        fv_plan_options options = {.batch = 2,
                                   .training = training,
                                   .by = &x.id,
                                   .by_count = 1,
                                   .seeds = &net->outputs[0].value,
                                   .seed_count = 1};
        fv_plan *plan = fv_plan_new(net, &options, NULL);
        assert_non_null(plan);
        assert_int_equal(count_routine(plan, FV_R_NORM, false), 2);
        assert_int_equal(plan->steady_calls, 0);
        fv_plan_free(plan);
    }
    fv_net_free(net);
}

/* Twelve folded convolutions need the room of one more weight than twelve plain ones, not of twelve. */
static void folded_weights_go_when_they_are_packed(void **state) {
    (void)state;
    size_t bytes[2];
    for (int norm = 0; norm < 2; norm++) {
        fv_net *net = fv_net_new();
        fv_value y = fv_input(net, .height = 4, .width = 4, .channels = 64);
        for (int i = 0; i < 12; i++) {
            y = apply(net, "conv", "64 3x3 padding=same", y);
            if (norm) y = apply(net, "batchnorm", "", y);
        }
        fv_plan *plan = fv_plan_new(net, &(fv_plan_options){.batch = 1, .table = fv_all_tables()[2]}, NULL);
        assert_non_null(plan);
        assert_int_equal(plan->call_count - plan->steady_calls, 12);
        bytes[norm] = plan->arena_bytes;
        fv_plan_free(plan);
        fv_net_free(net);
    }
    assert_true(bytes[1] < bytes[0] + 2 * (9 * 64 * 64 * sizeof(float)));
}

static void what_depends_on_weights_alone_runs_once(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .height = 4, .width = 4, .channels = 3);
    fv_value y = apply(net, "conv", "3 3x3 connections=\"01 12 02\"", x), w = fv_parameter_of(y, 0);
    fv_weights weights = drawn_weights(net, 1), others = drawn_weights(net, 2);
    fv_run *run = build_run(net, &weights, &(fv_plan_options){.batch = 1});
    fv_run *plain = build_run(net, &weights, &(fv_plan_options){.batch = 1, .no_passes = true});
    assert_int_equal(fv_run_plan(run)->steady_calls, 1);
    draw_inputs(run, 1), draw_inputs(plain, 1);
    for (int i = 0; i < 3; i++) {
        if (i == 1)
            memcpy(weights.of[w.id].data, others.of[w.id].data,
                   (size_t)fv_shape_count(&weights.of[w.id].shape) * sizeof(float));
        weights.version += i == 1;
        go(run, 1), go(plain, 1);
        check_same_bits("y", fv_run_output(plain, NULL), fv_run_output(run, NULL));
    }
    fv_run_free(run), fv_run_free(plain);
    free_weights(net, &weights), free_weights(net, &others);
    fv_net_free(net);
}

/* All but folding, which `exact` leaves out. */
static void passes_do_not_change_a_bit(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 24; seed++) {
        fv_net *net = seed < 2 ? residual_net(seed ? "sigmoid" : "relu") : random_net(seed);
        fv_weights weights = drawn_weights(net, seed), same = drawn_weights(net, seed);
        for (int training = 0; training < 2; training++) {
            fv_plan_options options = {
                .batch = 5, .training = training, .gradients = training, .exact = true, .table = fv_reference_f32()};
            fv_run *fused = build_run(net, &weights, &options);
            options.no_passes = true;
            fv_run *plain = build_run(net, &same, &options);
            draw_inputs(fused, seed), draw_inputs(plain, seed);
            go(fused, 5), go(plain, 5);
            check_same_bits("output", fv_run_output(plain, NULL), fv_run_output(fused, NULL));
            for (int v = 0; training && v < net->value_count; v++)
                if (fv_run_plan(plain)->gradient_of[v] >= 0 && net->values[v].kind == FV_KIND_WEIGHT)
                    check_same_bits(net->values[v].name, fv_run_gradient(plain, (fv_value){net, v}),
                                    fv_run_gradient(fused, (fv_value){net, v}));
            assert_true(fv_run_plan(fused)->call_count <= fv_run_plan(plain)->call_count);
            fv_run_free(fused), fv_run_free(plain);
        }
        free_weights(net, &weights), free_weights(net, &same);
        fv_net_free(net);
    }
}

/* ---- slices ----------------------------------------------------------------------------------------------------- */

/* Side by side: a convolution of odd width, a pool, a normalised branch, and, a level up, a skip that is read again. */
static fv_net *inception_net(void) {
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .height = 6, .width = 5, .channels = 3);
    x = apply(net, "conv", "7 3x3 padding=same activation=relu", x);
    fv_value a = apply(net, "conv", "5 1x1 activation=relu", x);
    fv_value b = apply(net, "relu", "", apply(net, "batchnorm", "", apply(net, "conv", "33 3x3 padding=same", x)));
    fv_value c = apply(net, "maxpool", "3x3 stride=1 padding=1", x);
    fv_value d = apply(net, "gelu", "", apply(net, "conv", "4 3x3 padding=same", c));
    fv_value one = apply(net, "concat", "", a, b, c);
    fv_value two = apply(net, "concat", "", d, one);
    fv_value y = apply(net, "conv", "6 2x2 stride=2", apply(net, "batchnorm", "activation=relu", two));
    y = apply(net, "dense", "2", apply(net, "flatten", "", y));
    fv_output(y, "y");
    fv_value target = fv_input(net, .name = "target", .channels = 2, .target = true);
    fv_add_loss(apply(net, "mse", "", y, target), 1);
    return net;
}

static void concat_copies_nothing(void **state) {
    (void)state;
    fv_net *net = inception_net();
    for (int training = 0; training < 2; training++) {
        fv_plan_options options = {.batch = 3, .training = training, .gradients = training};
        fv_plan *plan = fv_plan_new(net, &options, NULL);
        options.no_passes = true;
        fv_plan *plain = fv_plan_new(net, &options, NULL);
        assert_true(plan && plain);
        check_layout(plan, training ? "training" : "inference");
        assert_int_equal(count_routine(plain, FV_R_COPY, false), 5);
        assert_int_equal(count_routine(plan, FV_R_COPY, false), 0);
        assert_int_equal(count_routine(plain, FV_R_COPY, true), training ? 5 : 0);
        assert_int_equal(count_routine(plan, FV_R_COPY, true), 0);
        assert_true(plan->arena_bytes < plain->arena_bytes);
        char *text = fv_plan_to_text(plan);
        assert_non_null(strstr(text, "Nx6x5x7/49@")); /* 7 channels of 49 */
        fv_free(text);
        fv_plan_free(plan), fv_plan_free(plain);
    }
    fv_net_free(net);
}

/* On every table: outputs and gradients with all passes and with none. */
static void check_passes(fv_net *net) {
    for (const fv_table *const *table = fv_all_tables(); *table; table++)
        for (int training = 0; training < 2; training++) {
            fv_weights weights = drawn_weights(net, 5), same = drawn_weights(net, 5);
            fv_plan_options options = {
                .batch = 5, .training = training, .gradients = training, .exact = true, .table = *table};
            fv_run *sliced = build_run(net, &weights, &options);
            options.no_passes = true;
            fv_run *plain = build_run(net, &same, &options);
            draw_inputs(sliced, 1), draw_inputs(plain, 1);
            go(sliced, 5), go(plain, 5);
            check_same_bits((*table)->name, fv_run_output(plain, NULL), fv_run_output(sliced, NULL));
            for (int v = 0; training && v < net->value_count; v++)
                if (net->values[v].kind == FV_KIND_WEIGHT) {
                    char label[200];
                    snprintf(label, sizeof label, "%s: %s", (*table)->name, net->values[v].name);
                    check_same_bits(label, fv_run_gradient(plain, (fv_value){net, v}),
                                    fv_run_gradient(sliced, (fv_value){net, v}));
                }
            fv_run_free(sliced), fv_run_free(plain);
            free_weights(net, &weights), free_weights(net, &same);
        }
    fv_net_free(net);
}

static void slices_do_not_change_a_bit(void **state) {
    (void)state;
    check_passes(inception_net());
}

static void fused_gradients_do_not_change_a_bit(void **state) {
    (void)state;
    check_passes(normalised_net("relu"));
    check_passes(normalised_net("gelu"));
    check_passes(skipping_net());
}

/* A copy stays where somebody needs the value by itself: it is asked for, or its reader cannot have it apart. */
static void what_is_needed_whole_stays_whole(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    fv_value x = fv_input(net, .height = 4, .width = 4, .channels = 3);
    fv_value a = apply(net, "conv", "5 1x1", x), b = apply(net, "conv", "6 1x1", x), c = apply(net, "conv", "7 1x1", x);
    fv_value soft = apply(net, "softmax", "", b);
    fv_output(apply(net, "concat", "", a, b, c, x), "y");
    fv_output(soft, "soft");
    fv_weights weights = drawn_weights(net, 1);
    fv_run *run = build_run(net, &weights, &(fv_plan_options){.batch = 2, .wanted = &a.id, .wanted_count = 1});
    assert_int_equal(count_routine(fv_run_plan(run), FV_R_COPY, false), 3); /* all but c */
    draw_inputs(run, 1);
    go(run, 2);
    assert_non_null(fv_run_value(run, a).data);
    assert_null(fv_run_value(run, c).data); /* though what it is part of is there */
    fv_run_free(run);
    free_weights(net, &weights);
    fv_net_free(net);
}

/* Weights that change with every step are packed call by call, in one place; weights that stay, ahead, each in its own. */
static void packed_weights_take_the_room_that_they_need(void **state) {
    (void)state;
    fv_net *net = residual_net("relu");
    for (int training = 0; training < 2; training++) {
        fv_plan *plan =
            fv_plan_new(net, &(fv_plan_options){.batch = 2, .training = training, .gradients = training}, NULL);
        assert_non_null(plan);
        size_t sum = 0, most = 0;
        for (int i = 0; i < plan->call_count; i++) {
            const fv_planned_call *call = &plan->calls[i];
            sum += call->packed;
            if (call->packed > most) most = call->packed;
            if (call->packed) assert_int_equal(call->pack_now, training);
        }
        assert_int_equal(plan->packed_bytes, training ? most : sum);
        fv_plan_free(plan);
    }
    fv_net_free(net);
}

/* ---- what the layout asks of kernels ---------------------------------------------------------------------------- */

enum { CELLS = 211 };

/* The call with its result elsewhere, then on argument `on`: the same numbers. */
static void check_in_place(const fv_table *table, fv_routine routine, fv_geom geom, int args, int on,
                           const char *what) {
    float numbers[4][CELLS], elsewhere[CELLS];
    for (int k = 0; k < 4; k++) draw((fv_tensor){FV_F32, {1, {CELLS}}, numbers[k]}, "numbers", (uint64_t)k + 1);
    const fv_kernel *kernel = fv_choose_kernel(table, routine, &geom);
    fv_need need = {0};
    if (kernel->need) kernel->need(&geom, 1, &need);
    void *scratch = fv_alloc_aligned(need.scratch + 1);
    fv_moment now = {.seed = 1};
    fv_call call = {.geom = &geom, .n = geom.n, .scratch = scratch, .now = &now};
    for (int k = 1; k < args; k++) call.arg[k] = numbers[k];
    call.arg[0] = elsewhere;
    assert_int_equal(kernel->run(&call), FV_OK);
    call.arg[0] = call.arg[on];
    assert_int_equal(kernel->run(&call), FV_OK);
    int64_t count = geom.n * (routine == FV_R_BINARY ? geom.binary.walk.dim[1] : geom.unary.each);
    if (memcmp(elsewhere, call.arg[0], (size_t)count * sizeof(float)))
        fail_msg("%s %s (%s, %s): in place gives other numbers", fv_routine_name(routine), what, table->name,
                 kernel->name);
    fv_free_aligned(scratch);
}

static void check_binary_in_place(const fv_table *table, fv_binary kind, int on, int64_t each) {
    fv_geom geom = {.n = 3, .batched = true};
    geom.binary = (fv_binary_geom){kind, {.rank = 2, .dim = {3, each}, .y = {each, 1}, .a = {each, 1}, .b = {each, 1}}};
    check_in_place(table, FV_R_BINARY, geom, 3, on, on == 1 ? "a" : "b");
    *(on == 1 ? geom.binary.walk.b : geom.binary.walk.a) = 0; /* the other one is repeated along the samples */
    check_in_place(table, FV_R_BINARY, geom, 3, on, "beside a repeated one");
}

static void elementwise_kernels_may_write_where_they_read(void **state) {
    (void)state;
    for (const fv_table *const *table = fv_all_tables(); *table; table++) {
        for (int64_t each = 1; (*table)->real == FV_F32 && each <= CELLS / 3; each++) {
            fv_geom geom = {.n = 3, .batched = true};
            for (int kind = 0; kind < FV_U_COUNT; kind++) {
                geom.unary = (fv_unary_geom){.kind = (fv_unary)kind, .a = 1.5, .b = 0.5, .each = each};
                check_in_place(*table, FV_R_UNARY, geom, 2, 1, "x");
                check_in_place(*table, FV_R_UNARY_BACK, geom, 4, 1, "dy");
            }
            for (int kind = 0; kind < FV_B_COUNT; kind++)
                for (int on = 1; on <= 2; on++) check_binary_in_place(*table, (fv_binary)kind, on, each);
            geom.dropout = (fv_dropout_geom){each, 0.4, 99};
            check_in_place(*table, FV_R_DROPOUT, geom, 2, 1, "x");
        }
    }
}

/* ---- batches ---------------------------------------------------------------------------------------------------- */

/* Row r of an output depends on sample r only: whatever the batch, planned or short. */
static void rows_do_not_depend_on_the_batch(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 6; seed++) {
        fv_net *net = random_net(seed);
        fv_weights weights = drawn_weights(net, seed);
        fv_run *full = build_run(net, &weights, &(fv_plan_options){.batch = 7});
        fv_run *one = build_run(net, &weights, &(fv_plan_options){.batch = 1});
        draw_inputs(full, seed);
        go(full, 7);
        fv_tensor y = fv_run_output(full, "y"), x = fv_run_input(full, NULL);
        assert_int_equal(y.shape.dim[0], 7);
        float rows[14];
        memcpy(rows, y.data, sizeof rows);
        go(full, 3);
        assert_int_equal(fv_run_output(full, "y").shape.dim[0], 3);
        assert_int_equal(fv_run_input(full, NULL).shape.dim[0], 7);
        assert_memory_equal(fv_run_output(full, "y").data, rows, 3 * 2 * sizeof(float));
        for (int r = 0; r < 7; r++) {
            memcpy(fv_run_input(one, NULL).data, (float *)x.data + r * 48, 48 * sizeof(float));
            go(one, 1);
            assert_memory_equal(fv_run_output(one, "y").data, rows + 2 * r, 2 * sizeof(float));
        }
        fv_run_free(full), fv_run_free(one);
        free_weights(net, &weights);
        fv_net_free(net);
    }
}

static void a_run_takes_1_to_its_batch(void **state) {
    (void)state;
    fv_net *net = random_net(1);
    fv_weights weights = drawn_weights(net, 1);
    fv_run *run = build_run(net, &weights, &(fv_plan_options){.batch = 4});
    fv_error error;
    assert_int_equal(fv_run_go(run, 5, &error), FV_E_ARGUMENT);
    assert_string_equal(error.message, "samples of a run: expected 1 .. 4, got 5");
    assert_int_equal(fv_run_go(run, 0, &error), FV_E_ARGUMENT);
    fv_run_free(run);
    free_weights(net, &weights);
    fv_net_free(net);
}

/* ---- memory
 * ----------------------------------------------------------------------------------------------------------------------
 */

static void going_allocates_nothing(void **state) {
    (void)state;
    fv_net *net = random_net(3);
    fv_weights weights = drawn_weights(net, 3);
    fv_run *run =
        build_run(net, &weights, &(fv_plan_options){.batch = 8, .training = true, .gradients = true, .threads = 2});
    draw_inputs(run, 3);
    uint64_t before = fv_alloc_count();
    for (int step = 0; step < 4; step++) {
        weights.version++;
        go(run, step == 3 ? 2 : 8);
    }
    assert_int_equal(fv_alloc_count(), before);
    fv_run_free(run);
    free_weights(net, &weights);
    fv_net_free(net);
}

static void too_large_a_batch_says_what_would_fit(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    apply(net, "tanh", "", fv_input(net, .height = 32, .width = 32, .channels = 64));
    fv_error error = {0};
    for (int64_t k = 0; k < 200 && !strstr(error.message, "a run needs"); k++) { /* until the arena is what fails */
        fv_alloc_fail_after(k);
        fv_run_free(fv_run_build(net, &(fv_weights){0}, &(fv_plan_options){.batch = 100}, &error));
        fv_alloc_fail_after(-1);
    }
    assert_int_equal(error.status, FV_E_MEMORY);
    assert_string_equal(error.message, "not enough memory: a run needs 50.0 MiB at batch 100; 16.0 MiB at batch 32");
    fv_net_free(net);
}

static void sizes_beyond_any_memory_are_refused(void **state) {
    (void)state;
    fv_net *net = fv_net_new();
    apply(net, "tanh", "", fv_input(net, .height = 1 << 20, .width = 1 << 20, .channels = 64));
    fv_error error;
    assert_null(fv_run_build(net, &(fv_weights){0}, &(fv_plan_options){.batch = INT32_MAX}, &error));
    assert_int_equal(error.status, FV_E_MEMORY);
    assert_string_equal(error.message, "plan: a value of shape Nx1048576x1048576x64 is too large at batch 2147483647");
    fv_net_free(net);
}

static void every_failing_allocation_is_reported(void **state) {
    (void)state;
    fv_net *net = random_net(2);
    fv_weights weights = drawn_weights(net, 2);
    fv_plan_options options = {.batch = 2, .training = true, .gradients = true, .threads = 1};
    bool built = false;
    for (int64_t k = 0; k < 5000 && !built; k++) {
        fv_error error = {0};
        fv_alloc_fail_after(k);
        fv_run *run = fv_run_build(net, &weights, &options, &error);
        fv_alloc_fail_after(-1);
        built = run != NULL;
        if (!run && error.status == FV_OK) fail_msg("allocation %d failed, but there is no error", (int)k);
        fv_run_free(run);
    }
    assert_true(built);
    free_weights(net, &weights);
    fv_net_free(net);
}

/* ---- the text --------------------------------------------------------------------------------------------------- */

static void the_text_has_one_line_a_call(void **state) {
    (void)state;
    fv_net *net = residual_net("relu");
    fv_plan *plan = fv_plan_new(net, &(fv_plan_options){.batch = 2, .training = true, .gradients = true}, NULL);
    assert_non_null(plan);
    char *text = fv_plan_to_text(plan);
    assert_non_null(text);
    int lines = 0;
    for (const char *s = text; *s; s++) lines += *s == '\n';
    assert_int_equal(lines, plan->call_count + 1);
    assert_non_null(strstr(text, "conv1"));
    fv_free(text);
    fv_plan_free(plan);
    fv_net_free(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_operands_never_overlap),
        cmocka_unit_test(a_chain_of_elementwise_calls_shares_one_place),
        cmocka_unit_test(a_long_chain_needs_two_places_only),
        cmocka_unit_test(a_view_costs_nothing),
        cmocka_unit_test(inference_prunes_what_only_training_needs),
        cmocka_unit_test(activation_and_residual_go_into_the_convolution),
        cmocka_unit_test(training_keeps_what_an_activations_backward_reads),
        cmocka_unit_test(batchnorm_goes_into_the_weights),
        cmocka_unit_test(training_does_not_fold),
        cmocka_unit_test(folded_weights_go_when_they_are_packed),
        cmocka_unit_test(what_depends_on_weights_alone_runs_once),
        cmocka_unit_test(passes_do_not_change_a_bit),
        cmocka_unit_test(concat_copies_nothing),
        cmocka_unit_test(slices_do_not_change_a_bit),
        cmocka_unit_test(norm_add_and_activation_are_one_call),
        cmocka_unit_test(the_gradient_of_a_relu_is_taken_on_the_way),
        cmocka_unit_test(pooling_adds_the_other_gradient),
        cmocka_unit_test(fused_gradients_are_slopes),
        cmocka_unit_test(fused_gradients_do_not_change_a_bit),
        cmocka_unit_test(what_is_needed_whole_stays_whole),
        cmocka_unit_test(packed_weights_take_the_room_that_they_need),
        cmocka_unit_test(elementwise_kernels_may_write_where_they_read),
        cmocka_unit_test(rows_do_not_depend_on_the_batch),
        cmocka_unit_test(a_run_takes_1_to_its_batch),
        cmocka_unit_test(going_allocates_nothing),
        cmocka_unit_test(too_large_a_batch_says_what_would_fit),
        cmocka_unit_test(sizes_beyond_any_memory_are_refused),
        cmocka_unit_test(every_failing_allocation_is_reported),
        cmocka_unit_test(the_text_has_one_line_a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
