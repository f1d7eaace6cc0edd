/* inputs.c - what the pictures of a training looked like, kept in the model's notes; whether a picture looks like them, and what the
 * net sees of it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "picture.h"
#include "train.h"

enum { SAMPLES = 256 }; /* of a training are looked at */

int fv_feed_picture(const fv_feed *feed) {
    for (int i = 0; i < feed->data->field_count; i++) {
        const fv_data_field *field = &feed->data->fields[i];
        int rank = field->shape.rank;
        if (!field->target && feed->into[i].data && feed->into[i].dtype == FV_F32 &&
            (rank == 2 || (rank == 3 && (field->shape.dim[2] == 1 || field->shape.dim[2] == 3))))
            return i;
    }
    return -1;
}

static int channels_of(const fv_data_field *field) { return field->shape.rank == 3 ? (int)field->shape.dim[2] : 1; }

void fv_feed_invert(const fv_feed *feed, int64_t count) {
    int i = fv_feed_picture(feed);
    if (i < 0) return;
    const fv_data_field *field = &feed->data->fields[i];
    fv_light light = fv_light_of(field, feed->preprocess);
    float *x = feed->into[i].data;
    int channels = channels_of(field);
    int64_t numbers = count * fv_shape_count(&field->shape);
    for (int c = 0; c < channels; c++) /* 1 - light is the light of (1 - 2 base) / gain - x */
        for (int64_t k = c; k < numbers; k += channels) x[k] = (1 - 2 * light.base[c]) / light.gain[c] - x[k];
}

/* ---- how a picture looks ---------------------------------------------------------------------------------------- */

enum { CHANNELS = 3 };

/* Light, 0 black and 1 white, by channel. */
typedef struct look {
    int channels;
    double mean[CHANNELS], square[CHANNELS]; /* means over the pixels */
    bool grey;                               /* all channels are the same */
} look;

static look look_at(const float *x, const fv_data_field *field, const fv_light *light) {
    enum { STEP = 512 }; /* less than half of a step of a byte is none */
    look l = {.channels = channels_of(field), .grey = true};
    int64_t pixels = fv_shape_count(&field->shape) / l.channels;
    for (int64_t i = 0; i < pixels; i++) {
        double first = 0;
        for (int c = 0; c < l.channels; c++) {
            double y = (double)(x[i * l.channels + c] * light->gain[c] + light->base[c]);
            if (!c) first = y;
            l.grey = l.grey && fabs(y - first) * STEP < 1;
            l.mean[c] += y / (double)pixels;
            l.square[c] += y * y / (double)pixels;
        }
    }
    return l;
}

static double over_channels(const double *mean, int channels) {
    double sum = 0;
    for (int c = 0; c < channels; c++) sum += mean[c];
    return sum / channels;
}

static double deviation_of(double mean, double square) { return sqrt(fmax(0, square - mean * mean)); }

/* ---- what the training's looked like ---------------------------------------------------------------------------- */

static fv_status write_notes(fv_model *model, const look *all, double spread, double grey, fv_error *error) {
    char mean[96] = "", deviation[96] = "", number[32];
    for (int c = 0; c < all->channels; c++) {
        size_t m = strlen(mean), d = strlen(deviation);
        snprintf(mean + m, sizeof mean - m, "%s%.4g", c ? "," : "", all->mean[c]);
        snprintf(deviation + d, sizeof deviation - d, "%s%.4g", c ? "," : "",
                 deviation_of(all->mean[c], all->square[c]));
    }
    fv_status status = fv_model_set_note(model, "train.input.mean", mean, error);
    if (!status) status = fv_model_set_note(model, "train.input.deviation", deviation, error);
    snprintf(number, sizeof number, "%.4g", spread);
    if (!status) status = fv_model_set_note(model, "train.input.spread", number, error);
    snprintf(number, sizeof number, "%.4g", grey);
    if (!status) status = fv_model_set_note(model, "train.input.grey", number, error);
    return status;
}

fv_status fv_note_inputs(fv_model *model, const fv_feed *feed, const int64_t *samples, int64_t count, fv_error *error) {
    int i = fv_feed_picture(feed);
    if (i < 0) return FV_OK;
    const fv_data_field *field = &feed->data->fields[i];
    fv_light light = fv_light_of(field, feed->preprocess);
    fv_tensor into[FV_MAX_FIELDS] = {{0}};
    int64_t seen = count < SAMPLES ? count : SAMPLES;
    into[i] = (fv_tensor){FV_F32, {1 + field->shape.rank, {1}}, NULL};
    for (int d = 0; d < field->shape.rank; d++) into[i].shape.dim[d + 1] = field->shape.dim[d];
    into[i].data = fv_alloc_array((size_t)fv_shape_count(&field->shape), sizeof(float));
    if (!into[i].data) return fv_fail_memory(error, "a picture", (size_t)fv_shape_count(&field->shape) * sizeof(float));
    look all = {.channels = channels_of(field)};
    double squares = 0, grey = 0, mean = 0;
    fv_status status = FV_OK;
    for (int64_t k = 0; k < seen && !status; k++) {
        status = fv_data_batch(feed->data, samples, k * count / seen, 1, feed->preprocess, into, error);
        if (status) break;
        look one = look_at(into[i].data, field, &light);
        double own = over_channels(one.mean, one.channels);
        for (int c = 0; c < all.channels; c++)
            all.mean[c] += one.mean[c] / (double)seen, all.square[c] += one.square[c] / (double)seen;
        mean += own / (double)seen, squares += own * own / (double)seen, grey += one.grey / (double)seen;
    }
    fv_free(into[i].data);
    return status ? status : write_notes(model, &all, deviation_of(mean, squares), grey, error);
}

/* ---- does a picture look like them? ----------------------------------------------------------------------------- */

/* Numbers of a note, "0.49,0.48,0.45"; false where it is not there. */
static bool read_note(const fv_model *model, const char *key, double *out, int count) {
    char number[32];
    const char *text = fv_model_note(model, key);
    for (int i = 0; i < count; i++) {
        size_t length = text ? strcspn(text, ",") : 0;
        if (!length || length >= sizeof number) return false;
        memcpy(number, text, length), number[length] = 0;
        if (!fv_parse_double(number, &out[i]) || !isfinite(out[i])) return false;
        text += length + (text[length] == ',');
    }
    return true;
}

/* What is strange about it, in words; nothing where it looks as those of the training did. */
static void describe(const look *l, double mean, double deviation, double spread, double grey, fv_text *out) {
    double own = over_channels(l->mean, l->channels), away = fabs(own - mean), inverted = fabs(1 - own - mean);
    double contrast = 0;
    for (int c = 0; c < l->channels; c++) contrast = fmax(contrast, deviation_of(l->mean[c], l->square[c]));
    if (contrast < 1e-3 && deviation > 0.02)
        fv_text_printf(out, "is blank: the same light everywhere (%.2f)", own);
    else if (own > 2 + mean + 10 * deviation || own < -1 + mean - 10 * deviation)
        fv_text_printf(out, "has numbers of another range: their mean is %.3g, in training it was %.2f", own, mean);
    else if (away > 5 * spread + 0.02 && inverted < away / 3)
        fv_text_printf(out,
                       "looks inverted: its mean light is %.2f, of the training's pictures %.2f +- %.2f (0 black, 1 "
                       "white); option invert turns it around",
                       own, mean, spread);
    else if (away > 5 * spread + 0.02)
        fv_text_printf(out,
                       "is unlike the training's pictures: its mean light is %.2f, theirs %.2f +- %.2f (0 black, 1 "
                       "white)",
                       own, mean, spread);
    else if (l->channels == 3 && l->grey && grey < 0.005)
        fv_text_printf(out, "has no colour, and the training's pictures have");
}

char *fv_feed_doubt(const fv_model *model, const fv_feed *feed) {
    int i = fv_feed_picture(feed);
    double mean[CHANNELS], deviation[CHANNELS], spread, grey;
    if (i < 0) return NULL;
    const fv_data_field *field = &feed->data->fields[i];
    int channels = channels_of(field);
    if (!read_note(model, "train.input.mean", mean, channels) ||
        !read_note(model, "train.input.deviation", deviation, channels) ||
        !read_note(model, "train.input.spread", &spread, 1) || !read_note(model, "train.input.grey", &grey, 1))
        return NULL;
    fv_light light = fv_light_of(field, feed->preprocess);
    look l = look_at(feed->into[i].data, field, &light);
    fv_text text = {0};
    describe(&l, over_channels(mean, channels), over_channels(deviation, channels), spread, grey, &text);
    return text.length ? fv_text_take(&text) : NULL;
}

/* ---- what the net sees ------------------------------------------------------------------------------------------ */

/* Light as bytes; where it goes beyond 0 to 1 (numbers that are no bytes), from the least to the most. */
static void to_bytes(const float *x, const fv_light *light, int channels, int64_t numbers, unsigned char *out) {
    double least = 0, most = 1;
    for (int64_t k = 0; k < numbers && !light->bounded; k++) {
        double y = (double)(x[k] * light->gain[k % channels] + light->base[k % channels]);
        least = fmin(least, y), most = fmax(most, y);
    }
    for (int64_t k = 0; k < numbers; k++) {
        int c = (int)(k % channels), to = light->bgr ? channels - 1 - c : c;
        double y = ((double)(x[k] * light->gain[c] + light->base[c]) - least) / (most - least);
        y = y > 0 ? y < 1 ? y : 1 : 0; /* what is not finite is black */
        out[k - c + to] = (unsigned char)(255 * y + 0.5);
    }
}

fv_status fv_feed_show(const fv_feed *feed, const char *path, fv_error *error) {
    int i = fv_feed_picture(feed);
    if (i < 0) return fv_fail(error, FV_E_SHAPE, "show_input: the net's input is no picture of 1 or 3 channels");
    const fv_data_field *field = &feed->data->fields[i];
    fv_light light = fv_light_of(field, feed->preprocess);
    fv_tensor picture;
    int channels = channels_of(field);
    fv_status status =
        fv_picture_new(field->shape.dim[0], field->shape.dim[1], channels, "the net's input", &picture, error);
    if (status) return status;
    to_bytes(feed->into[i].data, &light, channels, fv_shape_count(&field->shape), picture.data);
    status = fv_png_write(path, &picture, error);
    fv_free(picture.data);
    return status;
}
