#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pg2une/base/mem.h"

#define LARGE_BYTES (128 * 1024) /* glibc's own first value; it would grow */

static void (*abort_hook)(void);

void
pgt_mem_on_abort(void (*hook)(void))
{
	abort_hook = hook;
}

void
pgt_mem_abort(void)
{
	static const char msg[] = "pg2une: out of memory\n";

	if (abort_hook)
		abort_hook();
	if (write(STDERR_FILENO, msg, sizeof(msg) - 1) < 0) {
		/* nothing is left to tell it to */
	}
	abort();
}

void
pgt_mem_setup(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	mallopt(M_TRIM_THRESHOLD, LARGE_BYTES);
}

void
pgt_mem_trim(void)
{
	malloc_trim(0);
}

static bool
relocates_text(const struct dl_phdr_info *lib)
{
	const ElfW(Dyn) * d;

	for (int i = 0; i < lib->dlpi_phnum; i++) {
		if (lib->dlpi_phdr[i].p_type != PT_DYNAMIC)
			continue;
		d = (const ElfW(Dyn) *)(lib->dlpi_addr + lib->dlpi_phdr[i].p_vaddr);
		for (; d->d_tag != DT_NULL; d++)
			if (d->d_tag == DT_TEXTREL ||
			    (d->d_tag == DT_FLAGS && d->d_un.d_val & DF_TEXTREL))
				return true;
	}
	return false;
}

static int
drop_object(struct dl_phdr_info *lib, size_t size, void *arg)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from, to;
	const ElfW(Phdr) * p;

	(void)size;
	(void)arg;
	if (relocates_text(lib))
		return 0;
	for (int i = 0; i < lib->dlpi_phnum; i++) {
		p = &lib->dlpi_phdr[i];
		if (p->p_type != PT_LOAD || p->p_flags & PF_W)
			continue;
		/* whole pages that hold nothing else: a neighbour may be written to */
		from = (lib->dlpi_addr + p->p_vaddr + page - 1) & ~(page - 1);
		to = (lib->dlpi_addr + p->p_vaddr + p->p_memsz) & ~(page - 1);
		if (from < to)
			(void)!madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 0;
}

void
pgt_mem_drop_code(void)
{
	dl_iterate_phdr(drop_object, NULL);
}

void *
pgt_xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		pgt_mem_abort();
	return p;
}

void *
pgt_xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		pgt_mem_abort();
	return p;
}

void *
pgt_xrealloc(void *old, size_t size)
{
	void *p = realloc(old, size ? size : 1);

	if (!p)
		pgt_mem_abort();
	return p;
}

void *
pgt_xreallocarray(void *old, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		pgt_mem_abort();
	return pgt_xrealloc(old, total);
}

char *
pgt_xstrdup(const char *s)
{
	return pgt_xstrndup(s, strlen(s));
}

char *
pgt_xstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = pgt_xmalloc(len + 1);

	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

char *
pgt_xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	if (vasprintf(&p, fmt, ap) < 0)
		pgt_mem_abort();
	va_end(ap);
	return p;
}

/* ---- arena ---- */

#define CHUNK_MIN (64u * 1024)
#define ALIGN	  _Alignof(max_align_t)

struct chunk {
	struct chunk *next;
	size_t used, size;
	max_align_t data[];
};

struct pgt_arena {
	struct chunk *head;
	size_t total, limit, next_size;
};

struct pgt_arena *
pgt_arena_new(size_t limit_bytes)
{
	struct pgt_arena *a = pgt_xcalloc(1, sizeof(*a));

	a->limit = limit_bytes;
	a->next_size = 4096;
	return a;
}

void
pgt_arena_free(struct pgt_arena *a)
{
	struct chunk *c, *next;

	if (!a)
		return;
	for (c = a->head; c; c = next) {
		next = c->next;
		free(c);
	}
	free(a);
}

void *
pgt_arena_alloc(struct pgt_arena *a, size_t size)
{
	struct chunk *c = a->head;
	size_t need;
	void *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	need = (size + ALIGN - 1) & ~(ALIGN - 1);
	if (a->limit && a->total + need > a->limit)
		return NULL;
	if (!c || c->size - c->used < need) {
		size_t cs = need > a->next_size ? need : a->next_size;

		if (a->next_size < CHUNK_MIN)
			a->next_size *= 2;
		c = pgt_xmalloc(sizeof(*c) + cs);
		c->next = a->head;
		c->used = 0;
		c->size = cs;
		a->head = c;
	}
	p = (char *)c->data + c->used;
	c->used += need;
	a->total += need;
	return memset(p, 0, size);
}

void *
pgt_arena_array(struct pgt_arena *a, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		return NULL;
	return pgt_arena_alloc(a, total);
}

char *
pgt_arena_strndup(struct pgt_arena *a, const char *s, size_t n)
{
	size_t len;
	char *p;

	if (!s)
		return NULL;
	len = strnlen(s, n);
	p = pgt_arena_alloc(a, len + 1);
	if (p)
		memcpy(p, s, len);
	return p;
}

char *
pgt_arena_strdup(struct pgt_arena *a, const char *s)
{
	return s ? pgt_arena_strndup(a, s, strlen(s)) : NULL;
}

char *
pgt_arena_printf(struct pgt_arena *a, const char *fmt, ...)
{
	va_list ap;
	char *tmp, *p;

	va_start(ap, fmt);
	if (vasprintf(&tmp, fmt, ap) < 0)
		pgt_mem_abort();
	va_end(ap);
	p = pgt_arena_strdup(a, tmp);
	free(tmp);
	return p;
}

size_t
pgt_arena_used(const struct pgt_arena *a)
{
	return a->total;
}
