/* connections.c - LeNet's connection tables: which maps of the input feed each map of the result (LeCun 1998, table 1).
 */
#include "connections.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* The next input map of a word at *at; -1 at its end, -2 if there is no number. With commas a map is a number, else a
 * digit. */
static int64_t next_map(const char **at, const char *end, bool commas) {
    int64_t map = 0;
    const char *p = *at;
    if (p == end) return -1;
    if (!isdigit((unsigned char)*p)) return -2;
    if (!commas) {
        *at = p + 1;
        return *p - '0';
    }
    for (; p < end && isdigit((unsigned char)*p); p++)
        if (map < INT32_MAX) map = map * 10 + (*p - '0');
    if (p < end && *p != ',') return -2;
    if (p < end && ++p == end) return -2;
    *at = p;
    return map;
}

/* One word: the maps that feed output map f, in ascending order. */
static bool read_word(const char *word, const char *end, int64_t f, int64_t channels, int64_t filters, int32_t *index,
                      int64_t *count, char problem[200]) {
    bool commas = memchr(word, ',', (size_t)(end - word)) != NULL;
    const char *at = word;
    int64_t last = -1;
    for (int64_t map; (map = next_map(&at, end, commas)) != -1; last = map) {
        const char *wrong = map == -2             ? "is not a list of input maps, like 012 or 0,1,12"
                            : map >= channels     ? "names an input map that does not exist"
                            : map <= last         ? "must name its input maps in ascending order, each once"
                            : *count == INT32_MAX ? "makes too many connections"
                                                  : NULL;
        if (wrong) {
            snprintf(problem, 200, "connections: word %lld (%.*s) %s; the input has maps 0 to %lld", (long long)f + 1,
                     (int)(end - word > 40 ? 40 : end - word), word, wrong, (long long)channels - 1);
            return false;
        }
        if (index) index[map * filters + f] = (int32_t)*count;
        ++*count;
    }
    return true;
}

bool fv_connections_read(const char *text, int64_t channels, int64_t filters, int32_t *index, int64_t *count,
                         char problem[200]) {
    int64_t f = 0;
    *count = 0;
    if (index)
        for (int64_t i = 0; i < channels * filters; i++) index[i] = -1;
    for (const char *p = text; *p;) {
        size_t length = strcspn(p, " \t;");
        if (length && f < filters && !read_word(p, p + length, f, channels, filters, index, count, problem))
            return false;
        f += length > 0;
        p += length;
        p += strspn(p, " \t;");
    }
    if (f == filters) return true;
    snprintf(problem, 200, "connections must have one word for each of the %lld filters, got %lld", (long long)filters,
             (long long)f);
    return false;
}
