/* SPDX-License-Identifier: MIT
 * fault: see fault.h.
 *
 *      alternate stack:  | struct fault * | ........ grows down from the end ........ |
 *                        ^ ss_sp, as sigaltstack reports it to the handler
 */
#include "kernel/fault.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The handler itself needs little; what remains is for the debugger or sanitizer that may run on it. */
enum { STACK_BYTES = 64 * 1024 };
static const rlim_t stack_limit = 8u << 20;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

bool fault_available(void)
{
    return !SANITIZED;
}

/* The reactor's fault struct, if the thread that faulted is inside a reactor. sigaltstack may be called from a handler. */
static struct fault *find_fault(void)
{
    stack_t stack;
    struct fault *fault = NULL;
    if (sigaltstack(NULL, &stack) == 0 && (stack.ss_flags & SS_ONSTACK) && stack.ss_size == STACK_BYTES)
        memcpy(&fault, stack.ss_sp, sizeof fault);
    return fault;
}

static size_t append_text(char *line, size_t at, size_t max, const char *text)
{
    while (*text && at < max)
        line[at++] = *text++;
    return at;
}

static size_t append_hex(char *line, size_t at, size_t max, uintptr_t value)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        if (at < max && (shift == 0 || value >> shift))
            line[at++] = "0123456789abcdef"[value >> shift & 15];
    return at;
}

/* Only what is safe in a handler: no stdio. */
static void say_last_words(int signal, const void *address, const struct fault *fault)
{
    char line[160];
    size_t at = append_text(line, 0, sizeof line, signal == SIGBUS ? "fatal: SIGBUS at address 0x" : "fatal: SIGSEGV at address 0x");
    at = append_hex(line, at, sizeof line, (uintptr_t)address);
    if (fault && fault->running) {
        at = append_text(line, at, sizeof line, ", while running a ");
        at = append_text(line, at, sizeof line, fault->running);
    }
    at = append_text(line, at, sizeof line, "\n");
    ssize_t ignored = write(STDERR_FILENO, line, at);
    (void)ignored;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    int saved = errno;
    struct fault *fault = find_fault();
    /* A signal that another process sent says nothing about this one's memory. */
    bool ours = info->si_code > 0;
    if (fault && fault->armed && fault->inside && ours) {
        fault->armed = 0;
        fault->address = info->si_addr;
        _longjmp(fault->back, 1);
    }
    say_last_words(number, info->si_addr, fault);
    signal(number, SIG_DFL);
    errno = saved;
    if (!ours)
        raise(number);
    /* Returning repeats the faulting instruction, now with the default action: the core shows the place itself. */
}

static int install_handlers(void)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    /* SA_NODEFER: the jump out of the handler need not restore the signal mask, which would cost a system call per fault_run. */
    action.sa_sigaction = on_fault;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGSEGV, &action, NULL) < 0 || sigaction(SIGBUS, &action, NULL) < 0)
        return -errno;
    return 0;
}

int fault_open(struct fault *fault)
{
    *fault = (struct fault){0};
    if (!fault_available())
        return 0;
    struct rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit) == 0 && (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > 8 * stack_limit)) {
        limit.rlim_cur = stack_limit; /* so that endless recursion meets an end before memory does */
        setrlimit(RLIMIT_STACK, &limit);
    }
    fault->stack = malloc(STACK_BYTES);
    if (!fault->stack)
        return -ENOMEM;
    memcpy(fault->stack, &fault, sizeof fault);
    return install_handlers();
}

void fault_close(struct fault *fault)
{
    free(fault->stack);
    fault->stack = NULL;
}

void fault_enter(struct fault *fault)
{
    if (!fault->stack)
        return;
    stack_t stack = {.ss_sp = fault->stack, .ss_size = STACK_BYTES};
    int error = sigaltstack(&stack, &fault->previous);
    assert(error == 0);
    (void)error;
}

void fault_exit(struct fault *fault)
{
    if (!fault->stack)
        return;
    stack_t off = {.ss_flags = SS_DISABLE};
    sigaltstack(fault->previous.ss_sp ? &fault->previous : &off, NULL);
}

int fault_run(struct fault *fault, int (*fn)(void *context), void *context)
{
    assert(!fault->inside);
    if (!fault->stack)
        return fn(context);
    if (_setjmp(fault->back)) {
        fault->inside = 0;
        return -EFAULT;
    }
    fault->inside = 1;
    int result = fn(context);
    fault->inside = 0;
    fault->armed = 0;
    return result;
}
