/* SPDX-License-Identifier: MIT
 * process: what the operating system says about this process and machine, for INFO. */
#ifndef LOCUS_REDISD_PROCESS_H
#define LOCUS_REDISD_PROCESS_H

#include <stdint.h>

struct process_figures {
    uint64_t resident_bytes;
    uint64_t machine_bytes;
    double user_s, system_s;             /* CPU time of all threads */
    double main_user_s, main_system_s;   /* of the calling thread */
    char os[128];                        /* "Linux 6.1.0 x86_64" */
};

void process_figures(struct process_figures *figures);

#endif
