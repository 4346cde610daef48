/* SPDX-License-Identifier: MIT
 * proc: see proc.h. */
#include "bench/lib/proc.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CHUNK = 1 << 16 };

struct proc_cpu proc_cpu(pid_t pid)
{
    struct proc_cpu cpu = {0};
    char path[300];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    if (!dir)
        return cpu;
    for (struct dirent *entry; (entry = readdir(dir));) {
        uint64_t ns = 0;
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", (int)pid, entry->d_name);
        FILE *file = fopen(path, "r");
        if (!file)
            continue;
        if (fscanf(file, "%" SCNu64, &ns) != 1)
            ns = 0;
        fclose(file);
        *(atoi(entry->d_name) == pid ? &cpu.main_ns : &cpu.other_ns) += ns;
    }
    closedir(dir);
    return cpu;
}

uint64_t proc_memory(pid_t pid)
{
    char path[64], line[256];
    uint64_t kib = 0, total = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "RssAnon: %" SCNu64, &kib) == 1 || sscanf(line, "RssShmem: %" SCNu64, &kib) == 1)
            total += kib * 1024;
    fclose(file);
    return total;
}

static uint64_t file_bytes(const char *path)
{
    static char chunk[CHUNK];
    uint64_t last = 0, at = 0;
    FILE *file = fopen(path, "rb");
    if (!file)
        return 0;
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0; at += n)
        for (size_t i = n; i > 0; i--)
            if (chunk[i - 1]) {
                last = at + i;
                break;
            }
    fclose(file);
    return last;
}

uint64_t proc_dir_bytes(const char *path)
{
    uint64_t total = 0;
    DIR *dir = opendir(path);
    if (!dir)
        return 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char inner[600];
        struct stat st;
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "log") == 0)
            continue;
        snprintf(inner, sizeof inner, "%.300s/%.255s", path, entry->d_name);
        if (stat(inner, &st) == 0)
            total += S_ISDIR(st.st_mode) ? proc_dir_bytes(inner) : file_bytes(inner);
    }
    closedir(dir);
    return total;
}
