/* SPDX-License-Identifier: MIT
 * daemon: see daemon.h. */
#include "tests/redisd/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    READY_MS = 20000, /* a sanitized daemon that recovers a log, on a busy machine */
    STOP_MS = 20000,
    PORTS_TRIED = 10,
};

/* ---- waiting ---- */

int64_t daemon_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void daemon_nap_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

static void print_last_words(const struct daemon *daemon, const char *what)
{
    struct buffer text = {0};
    daemon_said(daemon, &text);
    print_error("%s; the daemon said:\n%.4000s", what, text.base);
    buffer_free(&text);
}

static void fail_with_last_words(const struct daemon *daemon, const char *what)
{
    print_last_words(daemon, what);
    fail();
}

/* True when the process ended within the time: its wait status is in *status. */
static bool reaped(struct daemon *daemon, int timeout_ms, int *status)
{
    for (int64_t end = daemon_now_ms() + timeout_ms;; daemon_nap_ms(1)) {
        if (waitpid(daemon->pid, status, WNOHANG) == daemon->pid) {
            daemon->pid = 0;
            return true;
        }
        if (daemon_now_ms() >= end)
            return false;
    }
}

/* ---- directories ---- */

int daemon_setup(void **state)
{
    struct daemon *daemon = calloc(1, sizeof(*daemon));
    if (!daemon)
        return -1;
    test_dir_make(daemon->root, sizeof(daemon->root));
    snprintf(daemon->dir, sizeof(daemon->dir), "%s/data", daemon->root);
    snprintf(daemon->socket_path, sizeof(daemon->socket_path), "%s/socket", daemon->root);
    signal(SIGPIPE, SIG_IGN);
    *state = daemon;
    return 0;
}

int daemon_teardown(void **state)
{
    struct daemon *daemon = *state;
    if (daemon->pid && !daemon_alive(daemon))
        print_last_words(daemon, "redisd died under the test");
    if (daemon->pid)
        daemon_kill(daemon);
    if (getenv("LOCUS_KEEP"))
        print_message("kept: %s\n", daemon->root);
    else
        test_dir_remove(daemon->root);
    free(daemon);
    return 0;
}

bool daemon_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#elif defined(__has_feature)
    return __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer);
#else
    return false;
#endif
}

/* ---- words and programs ---- */

struct words {
    char text[4096];
    char *argv[DAEMON_WORDS_MAX + 1];
    int count;
};

static void add_words(struct words *words, const char *text, const char *dir)
{
    size_t used = words->count ? (size_t)(words->argv[words->count - 1] - words->text) + strlen(words->argv[words->count - 1]) + 1 : 0;
    char *rest = words->text + used, *word;
    int size = snprintf(rest, sizeof(words->text) - used, text, dir);
    assert_in_range(size, 0, sizeof(words->text) - used - 1);
    while ((word = strsep(&rest, " "))) {
        if (!*word)
            continue;
        assert_true(words->count < DAEMON_WORDS_MAX);
        if (strcmp(word, "\"\"") == 0)
            *word = 0;
        words->argv[words->count++] = word;
    }
    words->argv[words->count] = NULL;
}

/* The path of a program that was built with this test: BUILD/tests/redisd/x_test -> BUILD/name. */
static void add_program(struct words *words, const char *name)
{
    ssize_t size = readlink("/proc/self/exe", words->text, sizeof(words->text) / 2);
    assert_true(size > 0);
    words->text[size] = 0;
    for (int up = 0; up < 3; up++)
        *strrchr(words->text, '/') = 0;
    strcat(strcat(words->text, "/"), name);
    words->argv[words->count++] = words->text;
}

/* In the child: become the program, with these descriptors. */
static void become(char **argv, int in, int out, int err)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_DFL);
    if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
        _exit(126);
    execv(argv[0], argv);
    _exit(127);
}

/* ---- starting ---- */

/* A port that was free a moment ago. */
static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

void daemon_spawn(struct daemon *daemon, const char *options)
{
    struct words words = {.count = 0};
    char own[64], path[DAEMON_PATH_MAX + 16];
    assert_int_equal(daemon->pid, 0);
    daemon->port = free_port();
    add_program(&words, "redisd");
    snprintf(own, sizeof(own), "--port %d --dir %%s", daemon->port);
    add_words(&words, own, daemon->dir);
    add_words(&words, options, daemon->socket_path); /* one %s stands for the path of a unix socket */
    snprintf(path, sizeof(path), "%s/stderr", daemon->root);
    int err = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), in = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_true(err >= 0 && in >= 0);
    struct stat stat;
    assert_int_equal(fstat(err, &stat), 0);
    daemon->said = stat.st_size;
    daemon->pid = fork();
    assert_true(daemon->pid >= 0);
    if (daemon->pid == 0)
        become(words.argv, in, in, err);
    close(err);
    close(in);
}

/* Does it answer? Anything will do, -NOAUTH and a refusal too. */
static bool answers(const struct daemon *daemon)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)daemon->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char reply[64];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answered = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6 && recv(fd, reply, sizeof(reply), 0) > 0;
    close(fd);
    return answered;
}

static bool said_something_like(const struct daemon *daemon, const char *text)
{
    struct buffer said = {0};
    daemon_said(daemon, &said);
    bool found = strstr(said.base, text);
    buffer_free(&said);
    return found;
}

void daemon_start(struct daemon *daemon, const char *options)
{
    for (int tried = 1;; tried++) {
        daemon_spawn(daemon, options);
        int64_t end = daemon_now_ms() + READY_MS;
        int status;
        while (!answers(daemon) && !reaped(daemon, 0, &status)) {
            if (daemon_now_ms() > end)
                fail_with_last_words(daemon, "redisd does not answer");
            daemon_nap_ms(1);
        }
        if (daemon->pid)
            return;
        /* Somebody else may have taken the port between our look and the daemon's. */
        if (tried == PORTS_TRIED || !said_something_like(daemon, "Address already in use"))
            fail_with_last_words(daemon, "redisd ended instead of starting");
    }
}

int daemon_start_failing(struct daemon *daemon, const char *options)
{
    int status;
    daemon_spawn(daemon, options);
    for (int64_t end = daemon_now_ms() + READY_MS; daemon_now_ms() < end && !answers(daemon); daemon_nap_ms(1))
        if (reaped(daemon, 0, &status))
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    daemon_kill(daemon);
    return -1;
}

/* ---- ending ---- */

void daemon_stop(struct daemon *daemon)
{
    int status;
    assert_true(daemon->pid > 0);
    kill(daemon->pid, SIGTERM);
    if (!reaped(daemon, STOP_MS, &status))
        fail_with_last_words(daemon, "redisd does not end after SIGTERM");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        print_error("wait status %#x\n", (unsigned)status);
        fail_with_last_words(daemon, "redisd did not exit with status 0");
    }
}

void daemon_kill(struct daemon *daemon)
{
    int status;
    kill(daemon->pid, SIGKILL);
    waitpid(daemon->pid, &status, 0);
    daemon->pid = 0;
}

void daemon_restart(struct daemon *daemon, bool kill_it, const char *options)
{
    if (kill_it)
        daemon_kill(daemon);
    else
        daemon_stop(daemon);
    daemon_start(daemon, options);
}

bool daemon_alive(struct daemon *daemon)
{
    int status;
    return daemon->pid && !reaped(daemon, 0, &status);
}

/* ---- looking ---- */

size_t daemon_rss(const struct daemon *daemon)
{
    char path[64];
    unsigned long pages = 0;
    snprintf(path, sizeof(path), "/proc/%d/statm", (int)daemon->pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*u %lu", &pages), 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void read_all(int fd, struct buffer *text)
{
    ssize_t got;
    while ((got = read(fd, buffer_room(text, 4096), 4096)) > 0)
        text->size += (size_t)got;
    *buffer_room(text, 1) = 0;
}

void daemon_said(const struct daemon *daemon, struct buffer *text)
{
    char path[DAEMON_PATH_MAX + 16];
    snprintf(path, sizeof(path), "%s/stderr", daemon->root);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    lseek(fd, daemon->said, SEEK_SET);
    read_all(fd, text);
    close(fd);
}

int daemon_tool(const struct daemon *daemon, const char *program, const char *words_text, struct slice input, struct buffer *output)
{
    struct words words = {.count = 0};
    int in[2], out[2], status;
    add_program(&words, program);
    add_words(&words, words_text, daemon->dir);
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        become(words.argv, in[0], out[1], out[1]);
    close(in[0]);
    close(out[1]);
    /* The input of these tests fits the pipe, so nobody waits for anybody. */
    if (input.size)
        assert_int_equal(write(in[1], input.base, input.size), (ssize_t)input.size);
    close(in[1]);
    read_all(out[0], output);
    close(out[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
