/* verdict.c - a history in words: where validation loss turned, and whether that is overfitting. */
#include <math.h>
#include <string.h>

#include "train.h"

/* What counts as a change of a loss, against its noise from epoch to epoch. */
static const double notable = 0.02;

static int best_epoch(const fv_history *history) {
    int best = -1;
    for (int e = 0; e < history->epochs; e++) {
        double loss = fv_history_get(history, "val_loss", e);
        if (isfinite(loss) && (best < 0 || loss < fv_history_get(history, "val_loss", best))) best = e;
    }
    return best;
}

/* Mean over the epochs behind `best`, three at most: one epoch alone is noise. */
static double late(const fv_history *history, const char *metric, int best) {
    int first = history->epochs - 3 > best ? history->epochs - 3 : best + 1;
    double sum = 0;
    for (int e = first; e < history->epochs; e++) sum += fv_history_get(history, metric, e);
    return sum / (history->epochs - first);
}

/* Validation loss was lowest at `best`, and it is not the last epoch. */
static void say_turned(fv_text *text, const fv_history *history, int best) {
    double least = fv_history_get(history, "val_loss", best), end = late(history, "val_loss", best),
           train = fv_history_get(history, "loss", best), train_end = late(history, "loss", best);
    if (!isfinite(end) || !isfinite(train_end)) {
        fv_text_printf(text, "Validation loss %.4g was lowest at epoch %d; later losses are no numbers any more.",
                       least, best + 1);
        return;
    }
    bool rises = end > least + notable * fabs(least),
         learns = train_end<train - notable * fabs(train), worse = train_end> train + notable * fabs(train);
    if (rises && learns)
        fv_text_printf(text,
                       "Validation loss %.4g turned at epoch %d and came to %.4g while training loss fell on from %.4g "
                       "to %.4g: since then the model overfits.",
                       least, best + 1, end, train, train_end);
    else if (rises && worse)
        fv_text_printf(text,
                       "Validation loss %.4g turned at epoch %d and came to %.4g, and training loss rose, too: the "
                       "learning rate may be too high.",
                       least, best + 1, end);
    else if (rises)
        fv_text_printf(text,
                       "Validation loss %.4g turned at epoch %d and came to %.4g, but training loss has been level "
                       "since: not overfitting, but nothing is gained any more.",
                       least, best + 1, end);
    else
        fv_text_printf(text,
                       "Validation loss %.4g was lowest at epoch %d and has been level since: no overfitting, and "
                       "little to gain from more epochs.",
                       least, best + 1);
}

char *fv_history_verdict(const fv_history *history) {
    fv_text text = {0};
    int best = best_epoch(history), last = history->epochs - 1;
    bool validated = false;
    for (int m = 0; m < history->metrics; m++) validated |= !strcmp(history->names[m], "val_loss");
    if (!validated)
        fv_text_add(&text, "Nothing was held back for validation: whether the model overfits cannot be said.");
    else if (best < 0)
        fv_text_add(&text, "Validation loss was never a number: nothing was learned.");
    else if (last == 0)
        fv_text_printf(&text, "Validation loss %.4g after one epoch: too early to speak of overfitting.",
                       fv_history_get(history, "val_loss", 0));
    else if (best == last)
        fv_text_printf(&text,
                       "Validation loss %.4g was lowest in the last epoch: no overfitting, more epochs may help.",
                       fv_history_get(history, "val_loss", last));
    else
        say_turned(&text, history, best);
    return fv_text_take(&text);
}
