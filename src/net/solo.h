/* solo.h - whether a short run goes faster on its caller's thread alone.
 *
 * Threads hand each other what they wrote through a cache that they share. That may take as long as a small layer, on virtual machines for
 * minutes at a time much longer. So now and then a run is timed a few times with all threads and a few times alone, and goes the faster way
 * until the next trial. No result depends on it.
 *
 *     bool alone = fv_solo_alone(&s, n), timed = fv_solo_timed(&s);
 *     ... go; if timed, take the time ...
 *     fv_solo_gone(&s, seconds);
 */
#ifndef FV_NET_SOLO_H
#define FV_NET_SOLO_H

#include <stdbool.h>
#include <stdint.h>

typedef struct fv_solo {
    int64_t n;      /* samples of the goes that are compared */
    int gone;       /* goes since the trial began */
    int pause;      /* goes from the trial's end to the next */
    bool alone;     /* the faster way, as far as is known */
    double best[2]; /* the trial's shortest go, in seconds: with all threads, alone */
} fv_solo;

/* Whether the next go, of n samples, is one for the caller alone. */
bool fv_solo_alone(fv_solo *, int64_t n);
/* Whether that go is to be timed. */
bool fv_solo_timed(const fv_solo *);
/* That go is over; its seconds, if it was timed. */
void fv_solo_gone(fv_solo *, double seconds);

#endif
