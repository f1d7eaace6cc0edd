/* Histories in words, and histories from files. */
#include "check.h"

#include "files.h"
#include "train.h"

enum { MOST = 8 };
typedef struct run {
    const char *name;
    int epochs;
    double loss[MOST], val_loss[MOST];
    const char *verdict;
} run;

static const run runs[] = {
    {"one epoch", 1, {2}, {1.5}, "Validation loss 1.5 after one epoch: too early to speak of overfitting."},
    {"still falling",
     3,
     {2, 1, 0.5},
     {2, 1.5, 1.25},
     "Validation loss 1.25 was lowest in the last epoch: no overfitting, more epochs may help."},
    {"overfitting",
     5,
     {2, 1, 0.5, 0.25, 0.125},
     {2, 1, 1.25, 1.5, 1.75},
     "Validation loss 1 turned at epoch 2 and came to 1.5 while training loss fell on from 1 to 0.2917: since then the "
     "model overfits."},
    {"level",
     4,
     {2, 1, 0.99, 0.98},
     {2, 1, 1.005, 1.01},
     "Validation loss 1 was lowest at epoch 2 and has been level since: no overfitting, and little to gain from more "
     "epochs."},
    {"both rise",
     4,
     {2, 1, 1.5, 2},
     {2, 1, 2, 3},
     "Validation loss 1 turned at epoch 2 and came to 2.5, and training loss rose, too: the learning rate may be too "
     "high."},
    {"only validation rises",
     3,
     {2, 1, 1},
     {2, 1, 1.5},
     "Validation loss 1 turned at epoch 2 and came to 1.5, but training loss has been level since: not overfitting, "
     "but "
     "nothing is gained any more."},
    {"falls apart",
     3,
     {2, 1, NAN},
     {2, 1, NAN},
     "Validation loss 1 was lowest at epoch 2; later losses are no numbers any more."},
    {"never was one", 2, {NAN, NAN}, {NAN, NAN}, "Validation loss was never a number: nothing was learned."}};

static void histories_are_put_into_words(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof runs / sizeof *runs; k++) {
        fv_history *history = fv_history_new(2, runs[k].epochs, &problem);
        assert_int_equal(fv_history_name(history, 0, "", "loss", &problem), FV_OK);
        assert_int_equal(fv_history_name(history, 1, "val_", "loss", &problem), FV_OK);
        for (int e = 0; e < runs[k].epochs; e++)
            fv_history_add(history, (const double[]){runs[k].loss[e], runs[k].val_loss[e]});
        char *verdict = fv_history_verdict(history);
        if (strcmp(verdict, runs[k].verdict) != 0)
            fail_msg("%s: expected\n%s\ngot\n%s", runs[k].name, runs[k].verdict, verdict);
        fv_free(verdict), fv_history_free(history);
    }
    fv_history *history = fv_history_new(1, 1, &problem);
    assert_int_equal(fv_history_name(history, 0, "", "loss", &problem), FV_OK);
    fv_history_add(history, (const double[]){1});
    char *verdict = fv_history_verdict(history);
    assert_string_equal(verdict, "Nothing was held back for validation: whether the model overfits cannot be said.");
    fv_free(verdict), fv_history_free(history);
}

static void write_log(const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s/history.jsonl", temp_folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void histories_come_from_files(void **state) {
    (void)state;
    write_log("{\"epoch\":1,\"loss\":0.5,\"val_loss\":null,\"learning_rate\":0.01,\"seconds\":2,\"best\":true}\n"
              "{\"epoch\":2,\"loss\":0.25,\"val_loss\":0.75,\"learning_rate\":0.001,\"seconds\":3,\"best\":false}\n");
    fv_history *history = fv_history_load(temp_folder, &problem);
    if (!history) fail_msg("%s", problem.message);
    assert_int_equal(fv_history_epochs(history), 2);
    assert_int_equal(fv_history_metric_count(history), 5);
    assert_string_equal(fv_history_metric_name(history, 1), "val_loss");
    check_near("a number", fv_history_get(history, "loss", 1), 0.25, 0);
    check_near("the rate", fv_history_get(history, "learning_rate", 1), 0.001, 0);
    assert_true(isnan(fv_history_get(history, "val_loss", 0)));
    check_near("best", fv_history_get(history, "best", 0), 1, 0);
    check_near("not best", fv_history_get(history, "best", 1), 0, 0);
    fv_history_free(history);
    const char *const bad[] = {"",
                               "\n",
                               "{",
                               "[1]\n",
                               "{\"epoch\":2}\n",
                               "{\"epoch\":1,\"loss\":1}\n{\"epoch\":3}\n",
                               "{\"epoch\":1}\nnothing"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_log(bad[i]);
        history = fv_history_load(temp_folder, &problem);
        if (history) fail_msg("case %zu: expected a refusal of '%s'", i, bad[i]);
        assert_int_equal(problem.status, FV_E_FORMAT);
    }
    assert_null(fv_history_load("no_such_folder", &problem));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(histories_are_put_into_words),
                                       cmocka_unit_test_teardown(histories_come_from_files, clean_temp)};
    return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
