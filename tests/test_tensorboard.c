/* Event files: written by a training, read back by our own reader and by TensorBoard's where Python has it. */
#include "check.h"

#include "bytes.h"
#include "files.h"
#include "train.h"
#include "wire.h"

static const char *const names[] = {"loss", "accuracy", "val_loss", "val_accuracy"};
static const double values[2][4] = {{1.5, 0.25, 2, 0.125}, {0.75, 0.5, 1.25, 0.1}};

static void write_two_epochs(const char *folder, bool goes_on) {
    fv_tensorboard *board = fv_tensorboard_open(folder, goes_on, &problem);
    assert_non_null(board);
    for (int e = 0; e < 2; e++) {
        fv_event event = {.kind = FV_EVENT_STEP, .epoch = e + 1, .learning_rate = 0.01};
        assert_int_equal(fv_tensorboard_write(board, &event, 1000, &problem), FV_OK);
        event.kind = FV_EVENT_EPOCH;
        event.metric_count = 4;
        event.metric_names = names;
        event.metric_values = values[e];
        if (fv_tensorboard_write(board, &event, 1000 + e, &problem)) fail_msg("%s", problem.message);
    }
    fv_tensorboard_close(board);
}

/* The fields of a message by number; the last of each wins. */
static void fields_of(const unsigned char *data, size_t size, fv_wire_field out[8]) {
    fv_wire_field field;
    memset(out, 0, 8 * sizeof *out);
    while (fv_wire_next(&data, &size, &field))
        if (field.number < 8) out[field.number] = field;
    assert_int_equal(size, 0);
}

static void records_hold_events(void **state) {
    (void)state;
    write_two_epochs(temp_folder, true);
    char path[400];
    unsigned char *bytes;
    size_t size, at = 0;
    snprintf(path, sizeof path, "%s/validation/events.out.tfevents.0000001000.fovea.0", temp_folder);
    if (fv_read_raw_bytes(path, 1 << 20, &bytes, &size, &problem)) fail_msg("%s", problem.message);
    for (int record = 0; at < size; record++) {
        uint64_t length = bytes[at] | (uint64_t)bytes[at + 1] << 8;
        uint32_t sum = fv_crc32c_masked(bytes + at, 8), inside = fv_crc32c_masked(bytes + at + 12, length);
        assert_memory_equal(&sum, bytes + at + 8, 4);
        assert_memory_equal(&inside, bytes + at + 12 + length, 4);
        fv_wire_field event[8], value[8];
        fields_of(bytes + at + 12, length, event);
        check_near("time", fv_wire_as_double(&event[1]), 1000 + (record > 1), 0);
        if (record == 0) {
            assert_int_equal(event[3].size, strlen("brain.Event:2"));
            assert_memory_equal(event[3].data, "brain.Event:2", event[3].size);
        } else {
            assert_int_equal(event[2].value, record);
            const unsigned char *in = event[5].data;
            size_t left = event[5].size;
            for (int m = 2; m < 4; m++) {
                fv_wire_field one;
                assert_true(fv_wire_next(&in, &left, &one) && one.number == 1);
                fields_of(one.data, one.size, value);
                assert_int_equal(value[1].size, strlen(names[m]) - 4);
                assert_memory_equal(value[1].data, names[m] + 4, value[1].size);
                check_near(names[m], fv_wire_as_float(&value[2]), (float)values[record - 1][m], 0);
            }
            assert_int_equal(left, 0);
        }
        at += 16 + length;
    }
    assert_int_equal(at, size);
    fv_free(bytes);
}

/* A second training in the same second gets a file of its own. */
static void files_are_never_mixed(void **state) {
    (void)state;
    char path[400];
    write_two_epochs(temp_folder, true);
    snprintf(path, sizeof path, "%s/train/events.out.tfevents.0000001000.fovea.1", temp_folder);
    assert_int_not_equal(access(path, F_OK), 0);
    write_two_epochs(temp_folder, true);
    assert_int_equal(access(path, F_OK), 0);
    write_two_epochs(temp_folder, false); /* another run: the old files go */
    assert_int_not_equal(access(path, F_OK), 0);
    fv_tensorboard *board = fv_tensorboard_open("no/such/folder", true, &problem);
    fv_event event = {
        .kind = FV_EVENT_EPOCH, .epoch = 1, .metric_count = 1, .metric_names = names, .metric_values = values[0]};
    assert_int_equal(fv_tensorboard_write(board, &event, 0, &problem), FV_E_FILE);
    fv_tensorboard_close(board);
}

static void tensorboard_reads_them(void **state) {
    (void)state;
    const char *python = getenv("FOVEA_PYTHON"), *source = getenv("FOVEA_SOURCE");
    char command[1024], got[1024] = "";
    if (!source) source = ".";
    write_two_epochs(temp_folder, true);
    const char *const sides[] = {"train", "validation"};
    const char *const expected[] = {"loss 1 1.5\naccuracy 1 0.25\nlearning_rate 1 0.00999999978\n"
                                    "loss 2 0.75\naccuracy 2 0.5\nlearning_rate 2 0.00999999978\n",
                                    "loss 1 2\naccuracy 1 0.125\nloss 2 1.25\naccuracy 2 0.100000001\n"};
    for (int side = 0; side < 2; side++) {
        snprintf(command, sizeof command, "%s '%s/tests/golden/read_events.py' '%s/%s' 2>/dev/null",
                 python ? python : "python3", source, temp_folder, sides[side]);
        FILE *pipe = popen(command, "r");
        assert_non_null(pipe);
        size_t n = fread(got, 1, sizeof got - 1, pipe);
        got[n] = 0;
        int ended = pclose(pipe);
        if (WIFEXITED(ended) && (WEXITSTATUS(ended) == 3 || WEXITSTATUS(ended) == 127)) {
            print_message("TensorBoard is not installed for %s (FOVEA_PYTHON names another): skipped\n",
                          python ? python : "python3");
            clean_temp(state);
            skip();
        }
        assert_string_equal(got, expected[side]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(records_hold_events, clean_temp),
                                       cmocka_unit_test_teardown(files_are_never_mixed, clean_temp),
                                       cmocka_unit_test_teardown(tensorboard_reads_them, clean_temp)};
    return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
