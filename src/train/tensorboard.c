/* tensorboard.c - the metrics of a training as TensorBoard's event files: TFRecords of Event messages.
 *
 *   Event         1 wall_time double, 2 step int64, 3 file_version string, 5 summary Summary
 *   Summary       1 value Value, repeated
 *   Value         1 tag string, 2 simple_value float
 *
 * Validation goes into a folder of its own, so that TensorBoard draws "loss" and "val_loss" into one chart. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "train.h"
#include "wire.h"

#define BEGINNING "events.out.tfevents."
enum { SIDES = 2 };
static const char *const sides[SIDES] = {"train", "validation"};

struct fv_tensorboard {
    char *folder;
    char *path[SIDES]; /* NULL until there is something to write */
};

/* Removes our own event files, and nothing else. */
static void clear(const char *folder) {
    DIR *dir = opendir(folder);
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        bool ours = strncmp(entry->d_name, BEGINNING, strlen(BEGINNING)) == 0 && strstr(entry->d_name, ".fovea.");
        char *path = ours ? fv_folder_file(folder, entry->d_name, NULL) : NULL;
        if (path) unlink(path);
        fv_free(path);
    }
    if (dir) closedir(dir);
}

fv_tensorboard *fv_tensorboard_open(const char *folder, bool goes_on, fv_error *error) {
    fv_tensorboard *board = fv_alloc(sizeof *board);
    bool good = board && (board->folder = fv_copy_text(folder));
    for (int s = 0; s < SIDES && good && !goes_on; s++) {
        char *side = fv_folder_file(folder, sides[s], NULL);
        if (side) clear(side);
        good = side != NULL;
        fv_free(side);
    }
    if (good) return board;
    fv_tensorboard_close(board);
    fv_fail_memory(error, "an event file", 0);
    return NULL;
}

void fv_tensorboard_close(fv_tensorboard *board) {
    if (!board) return;
    for (int s = 0; s < SIDES; s++) fv_free(board->path[s]);
    fv_free(board->folder);
    fv_free(board);
}

static fv_status append(const char *path, const fv_wire *event, fv_error *error) {
    fv_wire record = {0};
    fv_wire_record(&record, event->data, event->size);
    fv_status status = event->failed || record.failed ? fv_fail_memory(error, "an event", event->size)
                                                      : fv_append_bytes(path, record.data, record.size, error);
    fv_wire_free(&record);
    return status;
}

/* Files are read in the order of their names: the time, then, where two begin in one second, a number. */
static char *new_name(const char *folder, int64_t seconds, fv_error *error) {
    for (int number = 0;; number++) {
        fv_text path = {0};
        fv_text_printf(&path, "%s/" BEGINNING "%010" PRId64 ".fovea.%d", folder, seconds, number);
        char *made = fv_text_take(&path);
        if (!made) fv_fail_memory(error, "a path", strlen(folder));
        if (!made || access(made, F_OK) != 0) return made;
        fv_free(made);
    }
}

static fv_status begin_file(fv_tensorboard *board, int side, double seconds, fv_error *error) {
    char *folder = fv_folder_file(board->folder, sides[side], error);
    if (!folder) return FV_E_MEMORY;
    mkdir(board->folder, 0777);
    mkdir(folder, 0777); /* where it fails, so does the first write, which says why */
    board->path[side] = new_name(folder, (int64_t)seconds, error);
    fv_free(folder);
    if (!board->path[side]) return FV_E_MEMORY;
    fv_wire event = {0};
    fv_wire_double(&event, 1, seconds);
    fv_wire_text(&event, 3, "brain.Event:2");
    fv_status status = append(board->path[side], &event, error);
    fv_wire_free(&event);
    if (status) fv_free(board->path[side]), board->path[side] = NULL;
    return status;
}

static void add_value(fv_wire *event, const char *tag, double value) {
    size_t one = fv_wire_begin(event, 1);
    fv_wire_text(event, 1, tag);
    fv_wire_float(event, 2, (float)value);
    fv_wire_end(event, one);
}

static fv_status write_side(fv_tensorboard *board, int side, const fv_event *event, double seconds, fv_error *error) {
    fv_wire message = {0};
    int values = 0;
    fv_wire_double(&message, 1, seconds);
    fv_wire_varint(&message, 2, (uint64_t)event->epoch);
    size_t summary = fv_wire_begin(&message, 5);
    for (int m = 0; m < event->metric_count; m++) {
        const char *name = event->metric_names[m];
        bool held = strncmp(name, "val_", 4) == 0;
        if (held != (side == 1)) continue;
        add_value(&message, held ? name + 4 : name, event->metric_values[m]);
        values++;
    }
    if (side == 0) add_value(&message, "learning_rate", event->learning_rate);
    fv_wire_end(&message, summary);
    fv_status status = values && !board->path[side] ? begin_file(board, side, seconds, error) : FV_OK;
    if (values && !status) status = append(board->path[side], &message, error);
    fv_wire_free(&message);
    return status;
}

fv_status fv_tensorboard_write(fv_tensorboard *board, const fv_event *event, double seconds, fv_error *error) {
    if (event->kind != FV_EVENT_EPOCH) return FV_OK;
    fv_status status = FV_OK;
    for (int side = 0; side < SIDES && !status; side++) status = write_side(board, side, event, seconds, error);
    return status;
}
