/* worth.h - whether help is worth its while: a pool's caller watches what the jobs that it shares take, guesses what they would
 * take it alone, and rests from sharing for a while when the others no longer make it faster. That happens when another
 * process holds a CPU: a thread that loses its CPU with a piece in hand keeps the others waiting for a time slice.
 *
 * Times are ticks of a third to one nanosecond; only their ratios and rough lengths matter. One thread at a time. */
#ifndef FV_BASE_WORTH_H
#define FV_BASE_WORTH_H

#include <stdbool.h>
#include <stdint.h>

/* A job of `pieces`, `own` of which the caller did from `begin` to `worked`; the last was done at `end`. */
typedef struct fv_shared_job {
    uint64_t begin, worked, end;
    int64_t own, pieces;
} fv_shared_job;

/* What clocks say at one moment, for one thread. */
typedef struct fv_worth_moment {
    uint64_t ticks;
    int64_t wall, cpu; /* nanoseconds that have gone by, and those in which the thread had a CPU */
    uintptr_t thread;
} fv_worth_moment;

typedef struct fv_worth {
    fv_worth_moment begun;  /* of the watch that runs; thread 0: none runs */
    double alone, together; /* its jobs: as the caller alone would take them, and as they took */
    uint64_t rest, until;   /* the last rest and its end; 0: none */
} fv_worth;

/* Whether the caller works alone at this time. */
bool fv_worth_rests(const fv_worth *, uint64_t ticks);
/* Adds a job; whether enough of them have been watched to judge. */
bool fv_worth_count(fv_worth *, const fv_shared_job *);
/* Judges the watch that ends now, unless another thread began it, and begins the next: also the first, and one after a rest. */
void fv_worth_judge(fv_worth *, const fv_worth_moment *now);

#endif
