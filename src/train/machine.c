/* machine.c - how much memory there is: what the machine can give, or less where a container has a limit. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "train.h"

#ifdef __linux__
/* The number in a file of one number; 0 where there is none ("max"). */
static unsigned long long number_in(const char *path) {
    unsigned long long value = 0;
    FILE *file = fopen(path, "r");
    if (file && fscanf(file, "%llu", &value) != 1) value = 0;
    if (file) fclose(file);
    return value;
}

/* Memory for file caches counts as used in a control group, but is given back. */
static unsigned long long cached_in(const char *path) {
    char key[64];
    unsigned long long value, sum = 0;
    FILE *file = fopen(path, "r");
    while (file && fscanf(file, "%63s %llu", key, &value) == 2)
        if (!strcmp(key, "inactive_file") || !strcmp(key, "active_file")) sum += value;
    if (file) fclose(file);
    return sum;
}

static unsigned long long left_of(const char *limit, const char *used, const char *statistics) {
    unsigned long long most = number_in(limit), now = number_in(used), cached = cached_in(statistics);
    if (!most || most > (1ULL << 60)) return 0;
    now = now > cached ? now - cached : 0;
    return most > now ? most - now : 1;
}

static unsigned long long available(void) {
    char key[64];
    unsigned long long value, found = 0;
    FILE *file = fopen("/proc/meminfo", "r");
    while (file && !found && fscanf(file, "%63s %llu%*[^\n]", key, &value) == 2)
        if (!strcmp(key, "MemAvailable:")) found = value * 1024;
    if (file) fclose(file);
    return found;
}

size_t fv_memory_there(void) {
    unsigned long long machine = available();
    unsigned long long group =
        left_of("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat");
    if (!group)
        group = left_of("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes",
                        "/sys/fs/cgroup/memory/memory.stat");
    if (group && (!machine || group < machine)) machine = group;
    return (size_t)machine;
}
#else
size_t fv_memory_there(void) {
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (size_t)pages * (size_t)size : 0;
}
#endif
