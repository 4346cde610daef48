/* SPDX-License-Identifier: MIT
 * server: see server.h. */
#include "compat/lib/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compat/lib/client.h"

enum { POLL_US = 5000 };

/* A port that was free a moment ago. */
static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int port = -EADDRINUSE;
    if (bind(fd, (struct sockaddr *)&address, size) == 0 && getsockname(fd, (struct sockaddr *)&address, &size) == 0)
        port = ntohs(address.sin_port);
    close(fd);
    return port;
}

/* The child's side: output to a file, an end when its parent ends, and exec. */
static void become_server(struct server *server, const char *const *options, int cpu)
{
    char port[16], log[300];
    const char *argv[SERVER_ARGS_MAX] = {server->path, "--port", port, "--bind", "127.0.0.1", "--dir", server->dir};
    int argc = 7;
    snprintf(port, sizeof port, "%d", server->port);
    snprintf(log, sizeof log, "%s/log", server->dir);
    for (; options && *options && argc < SERVER_ARGS_MAX - 1; options++)
        argv[argc++] = *options;
    argv[argc] = NULL;
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd >= 0) {
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
    }
    if (cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((size_t)cpu, &set);
        sched_setaffinity(0, sizeof set, &set);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(server->path, (char *const *)(uintptr_t)argv);
    perror(server->path);
    _exit(127);
}

static void print_log(const struct server *server)
{
    char path[300], line[512];
    snprintf(path, sizeof path, "%s/log", server->dir);
    FILE *file = fopen(path, "r");
    if (!file)
        return;
    while (fgets(line, sizeof line, file))
        fprintf(stderr, "    %s", line);
    fclose(file);
}

/* Does it answer PING? An error reply is an answer too: a server that loads its data is up, but not yet ready. */
static bool answers(int port)
{
    struct client client;
    if (client_open(&client, port) < 0)
        return false;
    const struct resp_node *reply = client_command(&client, "PING");
    bool yes = reply && reply->type == RESP_SIMPLE;
    client_close(&client);
    return yes;
}

static int launch(struct server *server, const char *const *options, int cpu)
{
    server->pid = fork();
    if (server->pid < 0)
        return -errno;
    if (server->pid == 0)
        become_server(server, options, cpu);
    for (int waited = 0; waited < SERVER_START_S * 1000000 / POLL_US; waited++) {
        int status;
        if (waitpid(server->pid, &status, WNOHANG) == server->pid) {
            fprintf(stderr, "%s ended at its start:\n", server->path);
            print_log(server);
            server->pid = 0;
            return -ECHILD;
        }
        if (answers(server->port))
            return 0;
        usleep(POLL_US);
    }
    fprintf(stderr, "%s does not answer on port %d:\n", server->path, server->port);
    print_log(server);
    return -ETIMEDOUT;
}

int server_start(struct server *server, const char *path, const char *const *options, int cpu)
{
    const char *tmp = getenv("TMPDIR");
    *server = (struct server){.path = path};
    server->port = free_port();
    if (server->port < 0)
        return server->port;
    snprintf(server->dir, sizeof server->dir, "%s/locus-server-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(server->dir))
        return -errno;
    int error = launch(server, options, cpu);
    if (error < 0)
        server_stop(server);
    return error;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static int end_process(struct server *server)
{
    int status = 0;
    if (server->pid <= 0)
        return 0;
    kill(server->pid, SIGTERM);
    for (int waited = 0; waitpid(server->pid, &status, WNOHANG) == 0; waited++) {
        if (waited == SERVER_STOP_S * 1000000 / POLL_US)
            kill(server->pid, SIGKILL);
        usleep(POLL_US);
    }
    server->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int server_stop(struct server *server)
{
    int status = end_process(server);
    if (server->dir[0])
        nftw(server->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    server->dir[0] = 0;
    return status;
}

int server_restart(struct server *server, const char *const *options, int cpu)
{
    end_process(server);
    return launch(server, options, cpu);
}
