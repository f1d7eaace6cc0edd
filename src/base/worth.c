/* worth.c - see worth.h. */
#include "worth.h"

/* A watch lasts longer than a few of a scheduler's time slices. A rest that follows another closely is twice as long, so that beside a
 * process that stays, trying again costs little; the longest, half a second to two, is what is lost when that process has gone. */
static const uint64_t WATCH = 1 << 25, FIRST_REST = 1 << 28, LAST_REST = (uint64_t)1 << 31;

/* Less gain than this is not worth the other threads' time. */
static const double WORTH = 1.1;

bool fv_worth_rests(const fv_worth *w, uint64_t ticks) { return w->until != 0 && (int64_t)(w->until - ticks) > 0; }

bool fv_worth_count(fv_worth *w, const fv_shared_job *job) {
    if (job->own > 0) {
        w->alone += (double)(job->worked - job->begin) * (double)job->pieces / (double)job->own;
        w->together += (double)(job->end - job->begin);
    }
    return w->together > (double)WATCH || w->begun.thread == 0;
}

/* The part of the jobs' time in which the caller had a CPU, at least: time between the jobs may have been slept away. */
static double share_of_cpu(const fv_worth *w, const fv_worth_moment *now) {
    const double ticks = (double)(now->ticks - w->begun.ticks), wall = (double)(now->wall - w->begun.wall);
    const double jobs = ticks > 0 ? wall * w->together / ticks : 0;
    const double cpu = (double)(now->cpu - w->begun.cpu);
    return cpu < jobs ? cpu / jobs : 1;
}

static void rest(fv_worth *w, uint64_t ticks) {
    const bool again = w->until != 0 && ticks - w->until < 4 * WATCH;
    w->rest = !again ? FIRST_REST : w->rest < LAST_REST ? 2 * w->rest : LAST_REST;
    w->until = ticks + w->rest;
}

void fv_worth_judge(fv_worth *w, const fv_worth_moment *now) {
    if (w->begun.thread == now->thread && w->together > 0 && w->alone * share_of_cpu(w, now) < WORTH * w->together)
        rest(w, now->ticks);
    w->begun = *now;
    if (fv_worth_rests(w, now->ticks)) w->begun.thread = 0;
    w->alone = w->together = 0;
}
