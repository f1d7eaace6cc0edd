/* solo.c - see solo.h. */
#include "solo.h"

#include <math.h>

enum {
    SETTLE = 2, /* goes of a trial's half before it is timed: what lies in the caches is still of the other way */
    HALF = 8,
    TRIAL = 2 * HALF,
    FIRST_PAUSE = 128, /* twice as long after a trial that changed nothing */
    LAST_PAUSE = 4096
};

/* Longer goes have enough to share. */
static const double SHORT = 1e-3;

static void end_trial(fv_solo *s) {
    const bool alone = s->best[1] < s->best[0];
    s->pause = alone != s->alone || s->pause == 0 ? FIRST_PAUSE : s->pause < LAST_PAUSE ? 2 * s->pause : LAST_PAUSE;
    s->alone = alone;
    s->gone = TRIAL;
}

bool fv_solo_alone(fv_solo *s, int64_t n) {
    if (s->n != n || s->gone >= TRIAL + s->pause) {
        s->n = n;
        s->gone = 0;
        s->best[0] = s->best[1] = INFINITY;
    }
    return s->gone < TRIAL ? s->gone >= HALF : s->alone;
}

bool fv_solo_timed(const fv_solo *s) { return s->gone < TRIAL && s->gone % HALF >= SETTLE; }

void fv_solo_gone(fv_solo *s, double seconds) {
    if (fv_solo_timed(s)) {
        double *best = &s->best[s->gone >= HALF];
        if (seconds < *best) *best = seconds;
    }
    s->gone++;
    if (s->gone == TRIAL || (s->gone == HALF && s->best[0] > SHORT)) end_trial(s);
}
