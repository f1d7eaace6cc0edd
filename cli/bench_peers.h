/* bench_peers.h - the script that measures other frameworks, carried by the program. */
#ifndef FV_CLI_BENCH_PEERS_H
#define FV_CLI_BENCH_PEERS_H

/* The text of bench/peers.py. */
const char *cli_bench_peers(void);

#endif
