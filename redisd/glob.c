/* SPDX-License-Identifier: MIT
 * glob: patterns of KEYS, SCAN MATCH, PSUBSCRIBE and CONFIG GET.
 *
 *      ?  one byte      *  any run of bytes      [abc] [a-z] [^x]  one byte of (not of) a class      \x  the byte x itself
 *
 * Only the last star that was met is ever gone back to: what an earlier star took is fixed once a later one was reached, since the
 * later one can take whatever the earlier would give up. So the work is at most pattern size times text size. */
#include "redisd/command.h"

static int fold(char c, bool nocase)
{
    unsigned char u = (unsigned char)c;
    return nocase && u >= 'A' && u <= 'Z' ? u + 32 : u;
}

/* Match one byte against the class that starts behind '[' at *p; moves *p behind the closing ']' (or to the end when it is missing). */
static bool class_match(const char **p, const char *end, char byte, bool nocase)
{
    const char *q = *p;
    bool negated = q < end && *q == '^', found = false;
    int wanted = fold(byte, nocase);
    q += negated;
    for (; q < end && *q != ']'; q++) {
        if (*q == '\\' && q + 1 < end) {
            found |= fold(*++q, nocase) == wanted;
        } else if (q + 2 < end && q[1] == '-') {
            int low = fold(q[0], nocase), high = fold(q[2], nocase);
            found |= low <= high ? wanted >= low && wanted <= high : wanted >= high && wanted <= low;
            q += 2;
        } else {
            found |= fold(*q, nocase) == wanted;
        }
    }
    *p = q < end ? q + 1 : end;
    return found != negated;
}

/* Match the single element at *p (not a star) with a byte; on success *p moves behind the element. */
static bool element_match(const char **p, const char *end, char byte, bool nocase)
{
    const char *q = *p;
    bool matched;
    if (*q == '?') {
        matched = true;
        q++;
    } else if (*q == '[') {
        q++;
        matched = class_match(&q, end, byte, nocase);
    } else {
        if (*q == '\\' && q + 1 < end)
            q++;
        matched = fold(*q, nocase) == fold(byte, nocase);
        q++;
    }
    if (matched)
        *p = q;
    return matched;
}

bool glob_match(struct slice pattern, struct slice text, bool nocase)
{
    const char *p = pattern.base, *p_end = p + pattern.size;
    const char *t = text.base, *t_end = t + text.size;
    const char *star = NULL, *star_text = NULL; /* behind the last star; where its match ends so far */
    while (t < t_end) {
        if (p < p_end && *p == '*') {
            star = ++p;
            star_text = t;
        } else if (p < p_end && element_match(&p, p_end, *t, nocase)) {
            t++;
        } else if (star) {
            p = star;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < p_end && *p == '*')
        p++;
    return p == p_end;
}
