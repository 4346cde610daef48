/* SPDX-License-Identifier: MIT
 * support: see support.h. */
#include "tests/support.h"

#include <ftw.h>
#include <unistd.h>

uint64_t test_seed(uint64_t fallback)
{
    const char *text = getenv("LOCUS_SEED");
    return text ? strtoull(text, NULL, 0) : fallback;
}

unsigned test_long_factor(void)
{
    return getenv("LOCUS_LONG") ? 100 : 1;
}

uint64_t test_random_next(struct test_random *random)
{
    uint64_t z = (random->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t test_random_below(struct test_random *random, uint64_t bound)
{
    return test_random_next(random) % bound;
}

void test_dir_make(char *path, size_t size)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(path, size, "%s/locus-test-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(path)) {
        perror(path);
        abort();
    }
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

void test_dir_remove(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
