/* SPDX-License-Identifier: MIT
 * co: micro-threads: functions that read top to bottom, and leave in the middle while they wait.
 *
 * A micro-thread is a struct that embeds `struct co co` and a function that takes a pointer to it:
 *
 *      int echo_run(struct echo *self)
 *      {
 *          CO_BEGIN(self);
 *          for (;;) {
 *              TRY(stream_fill(self->stream, 0));          // parks until bytes are here; an error leaves to CO_FINALLY
 *              if (CO_RESULT == 0) break;                  // what the awaited function returned
 *              echo_all(self);
 *          }
 *          CO_FINALLY;                                     // reached in every way out
 *          stream_close(self->stream);
 *          CO_END;
 *      }
 *
 * What may be awaited is any function that returns CO_WAIT ("not yet, I arranged for you to be woken"), 0 or positive for success,
 * or a negative error. It is asked again after each wake, so a wake too many does no harm. Another micro-thread is awaited by
 * calling its function; its struct lives beside the caller's, zeroed (co_reset) before its first call.
 *
 * Rules. The resume point is the source line: one await per line, never inside a nested switch. Locals do not survive an await:
 * keep them in the struct (the compiler warns about scalars with an initialiser, MemorySanitizer about arrays). Macros in
 * capitals may suspend or leave; nothing else does. After its end a micro-thread may not be called again before co_reset. */
#ifndef LOCUS_KERNEL_CO_H
#define LOCUS_KERNEL_CO_H

#include <assert.h>
#include <limits.h>

/* What a function that may be awaited returns besides results and -errno; outside errno's range. */
enum {
    CO_WAIT = INT_MIN,      /* not yet; the actor will be woken */
    CO_AGAIN = INT_MIN + 1, /* not yet, and nothing to wait for: run me again after the others have had their turn */
};

enum { CO_DONE_LINE = -1 };

struct co {
    int line;   /* resume point: 0 the beginning, CO_DONE_LINE after the end */
    int result; /* what the last awaited function returned */
    int error;  /* the negative result that led to CO_FINALLY, 0 when it was reached without one */
};

/* Make a micro-thread start at its beginning. */
static inline void co_reset(struct co *co)
{
    *co = (struct co){0};
}

/* Open the body. Nothing but declarations without initialisers may stand before it. */
#define CO_BEGIN(self)                    \
    struct co *const co_ = &(self)->co;   \
    assert(co_->line != CO_DONE_LINE);    \
    switch (co_->line) {                  \
    case 0:

/* Ask `expression` until it is no longer "not yet"; then go on, success or not. Look at CO_RESULT. */
#define AWAIT(expression)                                       \
    do {                                                        \
        co_->line = __LINE__;                                   \
        __attribute__((fallthrough));                           \
    case __LINE__:                                              \
        co_->result = (expression);                             \
        if (co_->result == CO_WAIT || co_->result == CO_AGAIN)  \
            return co_->result;                                 \
    } while (0)

/* AWAIT, and leave to CO_FINALLY when the result is an error. */
#define TRY(expression)                        \
    do {                                       \
        co_->line = __LINE__;                  \
        __attribute__((fallthrough));          \
    case __LINE__:                             \
        co_->result = (expression);            \
        if (co_->result == CO_WAIT || co_->result == CO_AGAIN) \
            return co_->result;                \
        if (co_->result < 0) {                 \
            co_->error = co_->result;          \
            goto co_finally;                   \
        }                                      \
    } while (0)

/* Let every other runnable actor have its turn first. */
#define CO_YIELD()               \
    do {                         \
        co_->line = __LINE__;    \
        return CO_AGAIN;         \
    case __LINE__:;              \
    } while (0)

/* Leave to CO_FINALLY with an error (or 0). */
#define CO_LEAVE(code)           \
    do {                         \
        co_->error = (code);     \
        goto co_finally;         \
    } while (0)

/* What the last AWAIT or TRY gave, and the error that led to CO_FINALLY. */
#define CO_RESULT (co_->result)
#define CO_ERROR (co_->error)

/* What follows runs in every way out. It may AWAIT; it may not TRY. */
#define CO_FINALLY       \
    goto co_finally;     \
    co_finally:          \
    (void)0

/* Close the body: the function returns the error, or 0. */
#define CO_END                   \
    break;                       \
    default:                     \
        assert(!"a resume point that does not exist"); \
    }                            \
    co_->line = CO_DONE_LINE;    \
    return co_->error

#endif
