/* bench_peers.c - the script bench/peers.py as cmake/embed_zoo.cmake put it into the program. */
#include "bench_peers.h"

typedef struct fv_zoo_entry {
    const char *name, *text;
} fv_zoo_entry;
extern const fv_zoo_entry cli_peers_entries[];

const char *cli_bench_peers(void) { return cli_peers_entries[0].text; }
