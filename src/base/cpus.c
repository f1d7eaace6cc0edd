/* cpus.c - how many CPUs this process may use. */
#include "pool.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#ifdef __linux__
/* CPUs that a control group's quota amounts to, rounded up; 0: no limit. */
static int quota_cpus(void) {
    long long quota = 0, period = 0;
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "r");
    if (file) {
        if (fscanf(file, "%lld %lld", &quota, &period) != 2) quota = 0;
        fclose(file);
    }
    return quota > 0 && period > 0 ? (int)((quota + period - 1) / period) : 0;
}
#endif

int fv_usable_cpus(void) {
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) cpus = CPU_COUNT(&set);
    int quota = quota_cpus();
    if (quota > 0 && quota < cpus) cpus = quota;
#endif
    return cpus < 1 ? 1 : cpus > INT_MAX ? INT_MAX : (int)cpus;
}
