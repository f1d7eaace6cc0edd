/* pool.h - threads with a fixed work split. Work is cut into pieces by its shape; threads claim pieces from a counter,
 * so which thread does a piece never changes the result. */
#ifndef FV_BASE_POOL_H
#define FV_BASE_POOL_H

#include <stdint.h>

typedef struct fv_pool fv_pool;

/* `thread` (0 .. threads-1) only picks scratch memory. */
typedef void (*fv_piece)(void *context, int64_t piece, int thread);

fv_pool *fv_pool_new(int threads); /* 0: all that the process may use (affinity, container quota) */
void fv_pool_free(fv_pool *pool);
int fv_pool_threads(const fv_pool *pool); /* 1 for NULL */
/* Threads that share work now: 1 while the pool rests from sharing (worth.h). Only for cuts that no result depends on. */
int fv_pool_sharing(const fv_pool *pool);
/* Runs f for every piece 0 .. pieces-1 and returns when all are done. The caller takes part. NULL pool: just a loop. */
void fv_pool_run(fv_pool *pool, int64_t pieces, fv_piece f, void *context);

/* CPUs that this process may use: affinity mask and cgroup quota; at least 1. */
int fv_usable_cpus(void);

/* The default pool, made when first asked for. */
fv_pool *fv_default_pool(void);

#endif
