/* SPDX-License-Identifier: MIT
 * fault: keep a memory fault in pure session code from ending the process.
 *
 * The scheduler runs an actor of a guarded class under fault_run (one _setjmp). Code that touches nothing but its own heap and the
 * stack says so with fault_arm and fault_disarm around it. A SIGSEGV or SIGBUS while armed jumps back to fault_run, and the actor
 * ends alone. A fault at any other moment may have left an allocator, a library, a service or the kernel in an unknown state:
 * one line with the address and the actor's class goes to standard error, and the signal takes its default action.
 *
 * Stack overflow. Session code runs on the thread's own stack. Below it lies a region where nothing is mapped: the guard page of a
 * pthread, or, for the process's first thread, everything beyond RLIMIT_STACK (where that is unlimited, fault_open lowers the soft limit to
 * 8 MiB, which the operating system honours at the next growth). Running into it is a SIGSEGV like any other, and the handler
 * can run because it has a stack of its own (sigaltstack).
 *
 * The handler finds its reactor through the alternate stack, at whose end the pointer lies: no global and no thread-local
 * variable. The alternate stack belongs to the thread inside reactor_run; fault_enter and fault_exit put it in place.
 *
 * Under Address-, Memory- and ThreadSanitizer, which want these signals for themselves, nothing is contained: fault_available
 * is false and everything else still works. */
#ifndef LOCUS_KERNEL_FAULT_H
#define LOCUS_KERNEL_FAULT_H

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

struct fault {
    volatile sig_atomic_t armed;  /* pure code is running */
    volatile sig_atomic_t inside; /* fault_run is on the stack: `back` is valid */
    jmp_buf back;
    void *stack;                  /* Ours: the alternate stack; NULL: not opened */
    stack_t previous;             /* what the thread had before fault_enter */
    const char *volatile running; /* Borrowed: name of the class that runs, for the last line before dying */
    void *volatile address;       /* of the last contained fault */
};

/* Whether this build contains faults. */
bool fault_available(void);

/* Allocate the alternate stack and install the handlers (process-wide, the same at every call). 0 or -errno. */
int fault_open(struct fault *fault);
void fault_close(struct fault *fault);

/* Use the alternate stack on this thread, and stop using it. Nothing happens when not opened. */
void fault_enter(struct fault *fault);
void fault_exit(struct fault *fault);

/* Call fn(context). Returns what it returned, or -EFAULT when it was left by a fault while armed. Does not nest. */
int fault_run(struct fault *fault, int (*fn)(void *context), void *context);

static inline void fault_arm(struct fault *fault) { fault->armed = fault->inside; }
static inline void fault_disarm(struct fault *fault) { fault->armed = 0; }

#endif
