/* pool.c - workers that spin for a bounded time and then sleep; pieces are claimed one by one.
 *
 * A job's pieces lie in a span for each thread, which does its own from first to last and then helps with the others': from job to
 * job a thread mostly finds in its cache what it wrote there. A span's ticket holds the job's generation and its next piece.
 * Claiming is a compare-and-swap on the ticket, so a worker that wakes late can never take a piece of a job that it does not know,
 * and the caller need not wait for workers that never came: it returns when all pieces are done. The last claim closes a span, so
 * between jobs all are closed. A worker that loses its CPU with a piece in hand does keep the caller waiting: see worth.h. */
#include "pool.h"

#include "fovea.h"
#include "memory.h"
#include "worth.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* Long enough for the serial gaps between operators (measured: waking a sleeper costs 4 us, a spinner 0.2 us). */
enum { SPINS = 20000, SPINS_BEFORE_YIELD = 4000, MAX_THREADS = 1024 };

enum { LINES = 128 }; /* caches fetch lines of 64 bytes in pairs */

/* A thread's part of a job, and what it did of the job; its lines hold nothing else. */
struct span {
    _Atomic uint64_t ticket; /* generation << 32 | next piece, or CLOSED */
    _Atomic uint32_t done;   /* pieces, of any span */
    char apart[LINES - sizeof(uint64_t) - sizeof(uint32_t)];
};
static const uint32_t CLOSED = UINT32_MAX;

struct fv_pool {
    int threads;
    int started; /* workers that really run */
    pthread_t *workers;
    struct worker *contexts;
    struct span *spans; /* one for each thread */
    atomic_flag busy;
    fv_worth worth;      /* under `busy` */
    _Atomic int sharing; /* threads that jobs are shared by now: 1 while the pool rests */
    char apart[LINES];
    /* What workers read. */
    _Atomic uint32_t generation; /* sleepers watch it */
    _Atomic int sleepers;
    _Atomic uint32_t pieces;
    _Atomic(fv_piece) piece;
    _Atomic(void *) context;
    _Atomic int stop;
#ifndef __linux__
    pthread_mutex_t mutex;
    pthread_cond_t wake;
#endif
};

struct worker {
    fv_pool *pool;
    int thread;
};

/* ---- sleeping -------------------------------------------------------------------------------------------------------
 */

#ifdef __linux__
static void sleep_while(fv_pool *pool, uint32_t generation) {
    syscall(SYS_futex, &pool->generation, FUTEX_WAIT_PRIVATE, generation, NULL, NULL, 0);
}
static void wake_all(fv_pool *pool) {
    syscall(SYS_futex, &pool->generation, FUTEX_WAKE_PRIVATE, MAX_THREADS, NULL, NULL, 0);
}
#else
static void sleep_while(fv_pool *pool, uint32_t generation) {
    pthread_mutex_lock(&pool->mutex);
    while (atomic_load(&pool->generation) == generation) pthread_cond_wait(&pool->wake, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}
static void wake_all(fv_pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
}
#endif

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* ---- claiming -------------------------------------------------------------------------------------------------------
 */

/* Where a thread's span of a job begins, and that of the thread before it ends. */
static uint32_t span_begin(const fv_pool *pool, uint32_t pieces, int thread) {
    return (uint32_t)((uint64_t)pieces * (uint64_t)thread / (uint64_t)pool->threads);
}

/* The next piece of a span that ends before `end`, or CLOSED. */
static uint32_t claim(struct span *span, uint32_t generation, uint32_t end) {
    uint64_t ticket = atomic_load_explicit(&span->ticket, memory_order_acquire);
    while ((uint32_t)(ticket >> 32) == generation && (uint32_t)ticket != CLOSED) {
        const uint64_t next = (uint32_t)ticket + 1 < end ? ticket + 1 : ticket | CLOSED;
        if (atomic_compare_exchange_weak_explicit(&span->ticket, &ticket, next, memory_order_acq_rel,
                                                  memory_order_acquire))
            return (uint32_t)ticket;
    }
    return CLOSED;
}

/* Does the pieces of a span that are left to claim; how many. */
static uint32_t work_span(fv_pool *pool, int owner, uint32_t generation, int thread) {
    const fv_piece piece = atomic_load_explicit(&pool->piece, memory_order_acquire);
    void *const context = atomic_load_explicit(&pool->context, memory_order_acquire);
    const uint32_t end = span_begin(pool, atomic_load_explicit(&pool->pieces, memory_order_acquire), owner + 1);
    uint32_t did = 0, next;
    while ((next = claim(&pool->spans[owner], generation, end)) != CLOSED) {
        piece(context, next, thread);
        did++;
    }
    if (did > 0) atomic_fetch_add_explicit(&pool->spans[thread].done, did, memory_order_release);
    return did;
}

/* Does pieces of the job of this generation until none is left to claim, its own first; how many. */
static uint32_t work(fv_pool *pool, uint32_t generation, int thread) {
    uint32_t did = 0;
    for (int i = 0; i < pool->threads; i++) did += work_span(pool, (thread + i) % pool->threads, generation, thread);
    return did;
}

static uint32_t wait_for_job(const struct worker *self, uint32_t seen) {
    fv_pool *pool = self->pool;
    for (int i = 0; i < SPINS; i++) {
        const uint64_t ticket = atomic_load_explicit(&pool->spans[self->thread].ticket, memory_order_acquire);
        if ((uint32_t)(ticket >> 32) != seen) return (uint32_t)(ticket >> 32);
        pause_briefly();
    }
    atomic_fetch_add(&pool->sleepers, 1);
    while (atomic_load(&pool->generation) == seen) sleep_while(pool, seen);
    atomic_fetch_sub(&pool->sleepers, 1);
    return atomic_load_explicit(&pool->generation, memory_order_acquire);
}

static void *worker_main(void *argument) {
    const struct worker *self = argument;
    uint32_t seen = 0;
    while (true) {
        seen = wait_for_job(self, seen);
        if (atomic_load(&self->pool->stop)) return NULL;
        work(self->pool, seen, self->thread);
    }
}

/* Begins the next job; its generation. */
static uint32_t publish(fv_pool *pool, uint32_t pieces, fv_piece f, void *context) {
    const uint32_t generation = atomic_load_explicit(&pool->generation, memory_order_relaxed) + 1;
    atomic_store_explicit(&pool->piece, f, memory_order_release);
    atomic_store_explicit(&pool->context, context, memory_order_release);
    atomic_store_explicit(&pool->pieces, pieces, memory_order_release);
    for (int i = 0; i < pool->threads; i++) {
        const uint32_t begin = span_begin(pool, pieces, i), end = span_begin(pool, pieces, i + 1);
        const uint64_t ticket = (uint64_t)generation << 32 | (begin < end ? begin : CLOSED);
        atomic_store_explicit(&pool->spans[i].done, 0, memory_order_release);
        atomic_store_explicit(&pool->spans[i].ticket, ticket, memory_order_release);
    }
    atomic_store(&pool->generation, generation);
    if (atomic_load(&pool->sleepers) > 0) wake_all(pool);
    return generation;
}

static bool all_done(const fv_pool *pool, uint32_t pieces) {
    uint32_t done = 0;
    for (int i = 0; i < pool->threads; i++) done += atomic_load_explicit(&pool->spans[i].done, memory_order_acquire);
    return done == pieces;
}

static void wait_until_done(const fv_pool *pool, uint32_t pieces) {
    for (int i = 0; !all_done(pool, pieces); i++) {
        if (i < SPINS_BEFORE_YIELD)
            pause_briefly();
        else
            sched_yield();
    }
}

static int64_t nanoseconds(clockid_t clock) {
    struct timespec t = {0};
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* As fast to read as there is one. */
static uint64_t ticks(void) {
#if defined(__x86_64__) || defined(__i386__)
    return __builtin_ia32_rdtsc();
#else
    return (uint64_t)nanoseconds(CLOCK_MONOTONIC);
#endif
}

static fv_worth_moment this_moment(void) {
    static _Thread_local char here;
    return (fv_worth_moment){.ticks = ticks(),
                             .wall = nanoseconds(CLOCK_MONOTONIC),
                             .cpu = nanoseconds(CLOCK_THREAD_CPUTIME_ID),
                             .thread = (uintptr_t)&here};
}

static void run_shared(fv_pool *pool, uint32_t pieces, fv_piece f, void *context) {
    fv_shared_job job = {.begin = ticks(), .pieces = pieces};
    job.own = work(pool, publish(pool, pieces, f, context), 0);
    job.worked = job.end = ticks();
    if (!all_done(pool, pieces)) {
        wait_until_done(pool, pieces);
        job.end = ticks();
    }
    if (fv_worth_count(&pool->worth, &job)) {
        const fv_worth_moment now = this_moment();
        fv_worth_judge(&pool->worth, &now);
    }
}

/* Whether the pool rests now, which is noticed from job to job. */
static bool rests(fv_pool *pool) {
    const bool is = pool->worth.until != 0 && fv_worth_rests(&pool->worth, ticks());
    const int sharing = is ? 1 : pool->threads;
    if (atomic_load_explicit(&pool->sharing, memory_order_relaxed) != sharing) atomic_store(&pool->sharing, sharing);
    return is;
}

void fv_pool_run(fv_pool *pool, int64_t pieces, fv_piece f, void *context) {
    /* Inside a piece, or while another thread uses the pool: just do it here. Results do not depend on who does what. */
    const bool mine =
        pool && pool->started > 0 && pieces > 1 && pieces < CLOSED && !atomic_flag_test_and_set(&pool->busy);
    if (mine && !rests(pool))
        run_shared(pool, (uint32_t)pieces, f, context);
    else
        for (int64_t i = 0; i < pieces; i++) f(context, i, 0);
    if (mine) atomic_flag_clear(&pool->busy);
}

/* ---- life -----------------------------------------------------------------------------------------------------------
 */

int fv_pool_threads(const fv_pool *pool) { return pool ? pool->threads : 1; }

int fv_pool_sharing(const fv_pool *pool) {
    return pool ? atomic_load_explicit(&pool->sharing, memory_order_relaxed) : 1;
}

static void start_workers(fv_pool *pool) {
    for (int i = 0; i < pool->threads; i++) {
        atomic_init(&pool->spans[i].ticket, CLOSED);
        atomic_init(&pool->spans[i].done, 0);
    }
    for (int i = 0; i < pool->threads - 1; i++) {
        pool->contexts[i] = (struct worker){pool, i + 1};
        /* A machine that refuses another thread only makes us slower. */
        if (pthread_create(&pool->workers[i], NULL, worker_main, &pool->contexts[i]) != 0) return;
        pool->started++;
    }
}

fv_pool *fv_pool_new(int threads) {
    if (threads <= 0) threads = fv_usable_cpus();
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    fv_pool *pool = fv_alloc_aligned(sizeof *pool);
    if (!pool) return NULL;
    memset(pool, 0, sizeof *pool);
    pool->threads = threads;
    atomic_init(&pool->sharing, threads);
    atomic_flag_clear(&pool->busy);
#ifndef __linux__
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
#endif
    pool->workers = fv_alloc_array((size_t)threads, sizeof *pool->workers);
    pool->contexts = fv_alloc_array((size_t)threads, sizeof *pool->contexts);
    pool->spans = fv_alloc_aligned((size_t)threads * sizeof *pool->spans);
    if (pool->workers && pool->contexts && pool->spans) start_workers(pool);
    return pool;
}

void fv_pool_free(fv_pool *pool) {
    if (!pool) return;
    atomic_store(&pool->stop, 1);
    if (pool->started > 0) publish(pool, 0, NULL, NULL);
    for (int i = 0; i < pool->started; i++) pthread_join(pool->workers[i], NULL);
#ifndef __linux__
    pthread_mutex_destroy(&pool->mutex);
    pthread_cond_destroy(&pool->wake);
#endif
    fv_free(pool->workers);
    fv_free(pool->contexts);
    fv_free_aligned(pool->spans);
    fv_free_aligned(pool);
}

/* ---- the default pool -----------------------------------------------------------------------------------------------
 */

static pthread_mutex_t default_mutex = PTHREAD_MUTEX_INITIALIZER;
static fv_pool *default_pool;
static int default_threads;

fv_pool *fv_default_pool(void) {
    pthread_mutex_lock(&default_mutex);
    if (!default_pool) default_pool = fv_pool_new(default_threads);
    fv_pool *pool = default_pool;
    pthread_mutex_unlock(&default_mutex);
    return pool;
}

int fv_threads(void) { return fv_pool_threads(fv_default_pool()); }

void fv_set_threads(int threads) {
    pthread_mutex_lock(&default_mutex);
    fv_pool_free(default_pool);
    default_pool = NULL;
    default_threads = threads > 0 ? threads : 0;
    pthread_mutex_unlock(&default_mutex);
}

__attribute__((destructor)) static void free_default_pool(void) {
    fv_pool_free(default_pool);
    default_pool = NULL;
}
