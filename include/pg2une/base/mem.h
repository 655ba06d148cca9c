/* Memory.  Fixed-size allocation that fails ends the program through
 * pgt_mem_abort(); what remote data sizes goes through a bounded pgt_buf or
 * through an arena with a limit.  Any thread; one arena has one owner. */
#ifndef PG2UNE_BASE_MEM_H
#define PG2UNE_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

#include "pg2une/base/err.h"

#define PGT_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The allocator's manners, once and before any thread.  One arena: what a thread has
 * freed serves the next, and our threads allocate by the second, not by the
 * microsecond.  Fixed thresholds: glibc raises them with the largest block that was
 * ever freed, and would then keep twice as much. */
void pgt_mem_setup(void);
/* Free memory back to the kernel: after a round that took much and gave it back. */
void pgt_mem_trim(void);
/* Let go of the program text and constants of all libraries that are mapped here; what
 * is still in use comes back by itself from the page cache.  For the end of a phase
 * whose code is not needed again: starting up is most of what libcrypto, GnuTLS,
 * Kerberos and the dynamic linker ever run, half of a session's resident memory.
 * Segments without write permission only (madvise(2), MADV_DONTNEED on a private file
 * mapping): nothing in them can have been changed. */
void pgt_mem_drop_code(void);

void *pgt_xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *pgt_xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
void *pgt_xrealloc(void *p, size_t size) __attribute__((returns_nonnull));
/* n elements of size bytes; overflow of the product aborts. */
void *pgt_xreallocarray(void *p, size_t n, size_t size) __attribute__((returns_nonnull));
char *pgt_xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *pgt_xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
char *pgt_xasprintf(const char *fmt, ...) PGT_PRINTF(1, 2)
    __attribute__((malloc, returns_nonnull));

/* The one way out when memory ends: runs the async-signal-safe hook (the
 * terminal's restore), writes one line to stderr and aborts. */
void pgt_mem_abort(void) __attribute__((noreturn));
void pgt_mem_on_abort(void (*hook)(void));

/* An arena: allocations live until pgt_arena_free().  limit_bytes bounds what
 * remote data may make of it; 0 means no bound. */
struct pgt_arena;
struct pgt_arena *pgt_arena_new(size_t limit_bytes);
void pgt_arena_free(struct pgt_arena *a);
/* Zeroed, aligned for any type; NULL only when the limit is passed. */
void *pgt_arena_alloc(struct pgt_arena *a, size_t size);
/* Like pgt_arena_alloc for n elements; NULL on overflow too. */
void *pgt_arena_array(struct pgt_arena *a, size_t n, size_t size);
/* NULL stays NULL; NULL also when the limit is passed. */
char *pgt_arena_strdup(struct pgt_arena *a, const char *s);
char *pgt_arena_strndup(struct pgt_arena *a, const char *s, size_t n);
char *pgt_arena_printf(struct pgt_arena *a, const char *fmt, ...) PGT_PRINTF(2, 3);
size_t pgt_arena_used(const struct pgt_arena *a);

#endif
