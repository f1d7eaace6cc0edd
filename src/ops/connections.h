/* connections.h - LeNet's connection tables: which maps of the input feed each map of the result (LeCun 1998, table 1).
 */
#ifndef FV_OPS_CONNECTIONS_H
#define FV_OPS_CONNECTIONS_H

#include "op.h"

/* Reads "012 123 234" or "0,1,2 10,11": one word for each output map, digits of input maps, or numbers with commas.
 * Checks that it names `filters` maps, each from maps 0 .. channels-1, none twice. `index` (channels*filters entries,
 * may be NULL) gets the ordinal of the connection from input map c to output map f at [c*filters + f], or -1.
 * Connections are numbered output map by output map, in ascending input map. *count: how many there are. `problem` gets
 * the message. */
bool fv_connections_read(const char *text, int64_t channels, int64_t filters, int32_t *index, int64_t *count,
                         char problem[200]);

#endif
