/* SPDX-License-Identifier: MIT
 * replay: give every file of the directories named on the command line to the fuzz target that this is linked with. */
#include <dirent.h>
#include <stdio.h>

#include "kernel/buffer.h"
#include "tests/fuzz/fuzz.h"

static int replay_file(const char *path)
{
    struct buffer bytes = {0};
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    size_t got;
    while ((got = fread(buffer_room(&bytes, 65536), 1, 65536, file)) > 0)
        bytes.size += got;
    fclose(file);
    LLVMFuzzerTestOneInput((const uint8_t *)bytes.base, bytes.size);
    buffer_free(&bytes);
    return 0;
}

int main(int argc, char **argv)
{
    int passed = 0, failed = 0;
    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        if (!dir) {
            perror(argv[i]);
            return 1;
        }
        for (struct dirent *entry; (entry = readdir(dir));) {
            char path[4096];
            if (entry->d_name[0] == '.')
                continue;
            snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
            replay_file(path) ? failed++ : passed++;
        }
        closedir(dir);
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed || passed == 0;
}
