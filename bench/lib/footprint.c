/* SPDX-License-Identifier: MIT
 * footprint: see footprint.h. */
#include "bench/lib/footprint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/lib/load.h"
#include "bench/lib/proc.h"
#include "compat/lib/client.h"
#include "compat/lib/server.h"

enum { VALUE_SIZE = 32, SETTLE_US = 500000, FLUSH_US = 2500000 };

const char *const *server_options(const char *mode)
{
    static const char *const off[] = {"--save", "", "--appendonly", "no", NULL};
    static const char *const everysec[] = {"--save", "", "--appendonly", "yes", "--appendfsync", "everysec",
                                           "--auto-aof-rewrite-percentage", "0", NULL};
    static const char *const always[] = {"--save", "", "--appendonly", "yes", "--appendfsync", "always",
                                         "--auto-aof-rewrite-percentage", "0", NULL};
    return strcmp(mode, "always") == 0 ? always : strcmp(mode, "everysec") == 0 ? everysec : off;
}

static double per_connection(const struct server *server, const struct footprint_plan *plan)
{
    struct client *clients = calloc((size_t)plan->connections, sizeof *clients);
    /* What the server makes once, with its first client and its first key (a huge page, say), is not a connection's. */
    struct client first;
    if (client_open(&first, server->port) == 0) {
        client_command(&first, "SET footprint:connection 1");
        client_close(&first);
    }
    uint64_t before = proc_memory(server->pid);
    int open = 0;
    while (clients && open < plan->connections && client_open(&clients[open], server->port) == 0) {
        const struct resp_node *reply = client_command(&clients[open], "SET footprint:connection 1");
        reply = reply ? client_command(&clients[open], "GET footprint:connection") : NULL;
        open++;
        if (!reply)
            break;
    }
    sleep(plan->idle_s);
    uint64_t after = proc_memory(server->pid);
    for (int i = 0; i < open; i++)
        client_close(&clients[i]);
    free(clients);
    return open ? ((double)after - (double)before) / open : 0;
}

static double per_key(const struct server *server, const struct workload *set, unsigned keys)
{
    uint64_t before = proc_memory(server->pid);
    if (load_fill(server->port, set, keys, true) < 0)
        return 0;
    usleep(SETTLE_US);
    return ((double)proc_memory(server->pid) - (double)before) / keys;
}

static double per_set(const struct server *server, const struct workload *set, unsigned sets)
{
    usleep(FLUSH_US); /* what a server writes at its start is not the log's */
    uint64_t before = proc_dir_bytes(server->dir);
    if (load_fill(server->port, set, sets, true) < 0)
        return 0;
    usleep(FLUSH_US);
    return ((double)proc_dir_bytes(server->dir) - (double)before) / sets;
}

struct footprint footprint_measure(const struct footprint_plan *plan)
{
    struct footprint footprint = {0};
    struct workload set;
    struct server server;
    workload_init(&set, "SET", "SET %k %v", VALUE_SIZE);
    /* A server each: what one measurement gave back, the next would take without growing. */
    if (server_start(&server, plan->path, server_options("off"), plan->cpu) == 0) {
        footprint.bytes_per_key = per_key(&server, &set, plan->keys);
        server_stop(&server);
    }
    if (server_start(&server, plan->path, server_options("off"), plan->cpu) == 0) {
        footprint.bytes_per_connection = per_connection(&server, plan);
        server_stop(&server);
    }
    if (server_start(&server, plan->path, server_options("everysec"), plan->cpu) == 0) {
        footprint.log_bytes_per_set = per_set(&server, &set, plan->sets);
        server_stop(&server);
    }
    workload_free(&set);
    return footprint;
}
