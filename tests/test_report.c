/* The page about a training: whole HTML, nothing from elsewhere, nothing from outside unescaped; charts. */
#include "check.h"

#include "bytes.h"
#include "chart.h"
#include "files.h"
#include "html.h"
#include "memory.h"
#include "train.h"

/* Every element that is opened is closed, in order. Attributes hold no '>', since all text in them is escaped. */
static void check_nested(const char *html) {
    char open[64][16];
    int depth = 0;
    for (const char *at = strchr(html, '<'); at; at = strchr(at + 1, '<')) {
        bool closes = at[1] == '/';
        size_t n = strspn(at + 1 + closes, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
        char name[16];
        const char *end = strchr(at, '>');
        if (!end || n > 15) fail_msg("expected an element, got %.30s", at);
        if (at[1] == '!') continue;
        memcpy(name, at + 1 + closes, n), name[n] = 0;
        if (!strcmp(name, "meta") || !strcmp(name, "img") || end[-1] == '/') continue;
        if (!closes && depth < 64)
            strcpy(open[depth++], name);
        else if (!depth || strcmp(open[--depth], name) != 0)
            fail_msg("expected </%s>, got %.30s", depth >= 0 ? open[depth] : "?", at);
    }
    assert_int_equal(depth, 0);
}

static void text_is_escaped(void **state) {
    (void)state;
    const char *const cases[][2] = {{"plain", "plain"},
                                    {"<script>alert('x')</script>", "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"},
                                    {"a & b \"c\"", "a &amp; b &quot;c&quot;"},
                                    {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
                                    {"\x01\x7f\xff", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
                                    {"\xc0\xbcscript", "\xef\xbf\xbd\xef\xbf\xbdscript"}, /* '<' in two bytes */
                                    {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
                                    {"", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fv_text out = {0};
        fv_html_text(&out, cases[i][0]);
        const char *got = out.data ? out.data : "";
        if (strcmp(got, cases[i][1]) != 0) fail_msg("case %zu: expected %s, got %s", i, cases[i][1], got);
        fv_text_free(&out);
    }
}

static void charts_stand_any_numbers(void **state) {
    (void)state;
    const double usual[4] = {2, 1, 0.5, 0.25}, none[4] = {NAN, NAN, INFINITY, NAN}, level[4] = {0, 0, 0, 0},
                 gap[4] = {1, NAN, 3, -4}, wide[4] = {1e-300, 1e300, 1, 2};
    const double *const cases[] = {usual, none, level, gap, wide};
    for (int i = 0; i < 5; i++)
        for (int epochs = 1; epochs <= 4; epochs++)
            for (int percent = 0; percent < 2; percent++) {
                fv_text out = {0};
                fv_chart chart = {.title = "<loss>",
                                  .curve = {{"training", "train", cases[i]}, {"validation", "held", usual}},
                                  .count = 2,
                                  .epochs = epochs,
                                  .marked = epochs - 1,
                                  .percent = percent};
                fv_chart_svg(&out, &chart);
                assert_non_null(out.data);
                if (strstr(out.data, "nan") || strstr(out.data, "inf") || out.length > 20000)
                    fail_msg("case %d of %d epochs: a number that is none, or too much: %.300s", i, epochs, out.data);
                check_nested(out.data);
                fv_text_free(&out);
            }
}

/* Two kinds of pictures that cannot be told apart, and names that would do harm. */
static fv_data *pictures(const char *const names[2]) {
    static unsigned char bytes[40][6][6];
    static int32_t classes[40];
    for (int i = 0; i < 40; i++) {
        classes[i] = i % 2;
        for (int k = 0; k < 36; k++) bytes[i][k / 6][k % 6] = (unsigned char)(i * 37 + k * 11);
    }
    fv_data *data = fv_data_from_arrays((fv_tensor){FV_U8, {4, {40, 6, 6, 1}}, bytes},
                                        (fv_tensor){FV_I32, {1, {40}}, classes}, &problem);
    if (!data) fail_msg("%s", problem.message);
    data->class_names = names;
    return data;
}

static char *page_of(const char *path) {
    unsigned char *bytes;
    size_t size;
    if (fv_read_bytes(path, 1 << 24, &bytes, &size, &problem)) fail_msg("%s", problem.message);
    return (char *)bytes;
}

static void check_has(const char *page, const char *text) {
    if (!strstr(page, text)) fail_msg("expected '%s' in the page", text);
}

static void a_run_becomes_a_page(void **state) {
    (void)state;
    const char *const names[2] = {"<img src=x onerror=alert(1)>", "dog & 'cat'"};
    fv_data *data = pictures(names);
    fv_net *net = fv_net_parse("input 6x6x1\nflatten\ndense 2\n", "test.net", NULL, 0, &problem);
    fv_model *model = fv_model_new(net, 1, &problem);
    assert_int_equal(fv_model_set_note(model, "command", "fovea train \"</pre><script>\"", &problem), FV_OK);
    assert_int_equal(fv_model_set_note(model, "command.net", "net<1>", &problem), FV_OK);
    for (int held = 0; held < 3; held++) {
        fv_history *history = fv_fit(model, data, &problem, .epochs = 3, .batch_size = 8, .folder = temp_folder,
                                     .validation_split = held == 1 ? 0.5 : FV_ZERO, .folds = held == 2 ? 4 : 0,
                                     .fold = held == 2 ? 2 : 0, .seed = 5);
        if (!history) fail_msg("%s", problem.message);
        if (fv_report(temp_folder, data, &problem, .threads = 1)) fail_msg("%s", problem.message);
        char path[256], text[64];
        snprintf(path, sizeof path, "%s/report.html", temp_folder);
        char *page = page_of(path);
        check_nested(page);
        check_has(page, "<!doctype html>");
        check_has(page, "<title>net&lt;1&gt;");
        check_has(page, "&lt;img src=x onerror=alert(1)&gt;");
        check_has(page, "dog &amp; &#39;cat&#39;");
        check_has(page, "fovea train &quot;&lt;/pre&gt;&lt;script&gt;&quot;");
        check_has(page, "src='data:image/png;base64,iVBORw0KGgo");
        check_has(page, held == 0   ? "on 40 training samples"
                        : held == 1 ? "on 20 validation samples"
                                    : "on 10 validation samples");
        if (held) check_has(page, "best: epoch");
        snprintf(text, sizeof text, "%016llx", (unsigned long long)fv_model_hash(model));
        check_has(page, text);
        if (strstr(page, "<script") || strstr(page, "http") || strstr(page, "<img src=x") || strstr(page, "<link"))
            fail_msg("the page holds what it must not hold");
        /* The part that was held back is found again. */
        if (held) {
            fv_history *again = fv_history_load(temp_folder, &problem);
            int best = 0;
            for (int e = 1; e < 3; e++)
                if (fv_history_get(again, "val_loss", e) < fv_history_get(again, "val_loss", best)) best = e;
            snprintf(text, sizeof text, "<b>%.4g</b><span>validation loss", fv_history_get(again, "val_loss", best));
            check_has(page, text);
            fv_history_free(again);
        }
        fv_free(page), fv_history_free(history);
    }
    fv_model_free(model), fv_net_free(net), fv_data_free(data);
}

/* Without classes, pictures or validation there is less to say, but nothing wrong. */
static void numbers_have_a_page_too(void **state) {
    (void)state;
    static float x[20], y[20];
    for (int i = 0; i < 20; i++) x[i] = (float)i / 20, y[i] = 2 * x[i];
    fv_data *data =
        fv_data_from_arrays((fv_tensor){FV_F32, {2, {20, 1}}, x}, (fv_tensor){FV_F32, {2, {20, 1}}, y}, &problem);
    fv_net *net = fv_net_parse("input 1\ndense 1\n", "test.net", NULL, 0, &problem);
    fv_model *model = fv_model_new(net, 1, &problem);
    fv_history *history =
        fv_fit(model, data, &problem, .epochs = 1, .folder = temp_folder, .validation_split = FV_ZERO);
    char path[256];
    snprintf(path, sizeof path, "%s/other.html", temp_folder);
    if (!history || fv_report(temp_folder, data, &problem, .path = path)) fail_msg("%s", problem.message);
    char *page = page_of(path);
    check_nested(page);
    check_has(page, "training loss");
    if (strstr(page, "Class by class") || strstr(page, "nan")) fail_msg("the page speaks of what is not there");
    fv_free(page), fv_history_free(history), fv_model_free(model), fv_net_free(net);
    assert_int_equal(fv_report("no_such_folder", data, &problem, .threads = 1), FV_E_FILE);
    fv_data_free(data);
}

/* Whichever allocation fails: an error, no page, nothing left behind. */
static void short_memory_is_an_error(void **state) {
    (void)state;
    const char *const names[2] = {"a", "b"};
    fv_data *data = pictures(names);
    fv_net *net = fv_net_parse("input 6x6x1\nflatten\ndense 2\n", "test.net", NULL, 0, &problem);
    fv_model *model = fv_model_new(net, 1, &problem);
    fv_history *history = fv_fit(model, data, &problem, .epochs = 2, .folder = temp_folder, .validation_split = 0.5);
    if (!history) fail_msg("%s", problem.message);
    fv_set_threads(1);
    uint64_t before = fv_alloc_count();
    assert_int_equal(fv_report(temp_folder, data, &problem, .threads = 1), FV_OK);
    int64_t all = (int64_t)(fv_alloc_count() - before), step = all / 150 + 1;
    for (int64_t n = 0; n < all; n += step) {
        fv_error error = {0};
        fv_alloc_fail_after(n);
        fv_status status = fv_report(temp_folder, data, &error, .threads = 1);
        fv_alloc_fail_after(-1);
        if (status && !error.message[0])
            fail_msg("allocation %lld of %lld: an error without words", (long long)n, (long long)all);
    }
    fv_history_free(history), fv_model_free(model), fv_net_free(net), fv_data_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(text_is_escaped), cmocka_unit_test(charts_stand_any_numbers),
                                       cmocka_unit_test_teardown(a_run_becomes_a_page, clean_temp),
                                       cmocka_unit_test_teardown(numbers_have_a_page_too, clean_temp),
                                       cmocka_unit_test_teardown(short_memory_is_an_error, clean_temp)};
    return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
