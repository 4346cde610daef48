/* SPDX-License-Identifier: MIT
 * process: see process.h. */
#include "redisd/process.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

void process_figures(struct process_figures *figures)
{
    memset(figures, 0, sizeof(*figures));
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    figures->machine_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * page;
    FILE *statm = fopen("/proc/self/statm", "r");
    unsigned long long all = 0, resident = 0;
    if (statm) {
        if (fscanf(statm, "%llu %llu", &all, &resident) == 2)
            figures->resident_bytes = resident * page;
        fclose(statm);
    }
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        figures->user_s = seconds(usage.ru_utime);
        figures->system_s = seconds(usage.ru_stime);
    }
    if (getrusage(RUSAGE_THREAD, &usage) == 0) {
        figures->main_user_s = seconds(usage.ru_utime);
        figures->main_system_s = seconds(usage.ru_stime);
    }
    struct utsname name;
    if (uname(&name) == 0)
        snprintf(figures->os, sizeof(figures->os), "%.40s %.40s %.40s", name.sysname, name.release, name.machine);
}
