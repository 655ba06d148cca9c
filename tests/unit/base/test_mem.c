#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "pg2une/base/list.h"
#include "pg2une/base/mem.h"

static void
plain_allocation(void **state)
{
	char *s = pgt_xstrndup("abcdef", 3), *t = pgt_xasprintf("%s-%d", s, 5);
	unsigned char *z = pgt_xcalloc(10, 10);

	(void)state;
	assert_string_equal(s, "abc");
	assert_string_equal(t, "abc-5");
	for (int i = 0; i < 100; i++)
		assert_int_equal(z[i], 0);
	z = pgt_xreallocarray(z, 20, 10);
	z[199] = 1;
	free(pgt_xmalloc(0));
	free(pgt_xstrdup(""));
	free(z);
	free(s);
	free(t);
}

static int hook_pipe[2];

static void
hook(void)
{
	if (write(hook_pipe[1], "h", 1) != 1)
		_exit(9);
}

/* The sanitizers' allocators end the program themselves, and by another exit. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WAYS 2
#else
#define WAYS 3
#endif

/* What an allocation that fails does: runs the hook, says so, aborts. */
static void
failure_aborts_after_the_hook(void **state)
{
	struct rlimit none = {0, 0};
	volatile size_t huge = SIZE_MAX / 2;
	char c, said[64];
	int err_pipe[2], status;
	ssize_t n;
	pid_t pid;

	(void)state;
	for (int how = 0; how < WAYS; how++) {
		assert_int_equal(pipe(hook_pipe), 0);
		assert_int_equal(pipe(err_pipe), 0);
		pid = fork();
		if (pid == 0) {
			setrlimit(RLIMIT_CORE, &none);
			signal(SIGABRT, SIG_DFL);
			dup2(err_pipe[1], STDERR_FILENO);
			pgt_mem_on_abort(hook);
			if (how == 0)
				pgt_mem_abort();
			else if (how == 1)
				free(pgt_xreallocarray(NULL, huge, 4)); /* overflow */
			else
				free(pgt_xcalloc(huge, 4));
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
		assert_int_equal(read(hook_pipe[0], &c, 1), 1);
		n = read(err_pipe[0], said, sizeof(said));
		assert_true(n > 0 && memmem(said, (size_t)n, "out of memory", 13));
		for (int i = 0; i < 2; i++) {
			close(hook_pipe[i]);
			close(err_pipe[i]);
		}
	}
}

static void
arena_is_zeroed_and_aligned(void **state)
{
	struct pgt_arena *a = pgt_arena_new(0);
	size_t total = 0;

	(void)state;
	for (size_t n = 0; n < 3000; n += 7) {
		unsigned char *p = pgt_arena_alloc(a, n);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, n);
		total += n;
	}
	assert_true(pgt_arena_used(a) >= total);
	assert_non_null(pgt_arena_alloc(a, 1 << 20)); /* larger than any chunk */
	pgt_arena_free(a);
	pgt_arena_free(NULL);
}

static void
arena_limit_and_text(void **state)
{
	struct pgt_arena *a = pgt_arena_new(1000);
	char *s;

	(void)state;
	s = pgt_arena_strdup(a, "text");
	assert_string_equal(s, "text");
	assert_null(pgt_arena_strdup(a, NULL));
	assert_null(pgt_arena_strndup(a, NULL, 3));
	assert_string_equal(pgt_arena_strndup(a, "abcdef", 3), "abc");
	assert_string_equal(pgt_arena_printf(a, "%d/%s", 4, "x"), "4/x");
	assert_null(pgt_arena_alloc(a, 1000));
	assert_null(pgt_arena_alloc(a, SIZE_MAX));
	assert_null(pgt_arena_array(a, SIZE_MAX / 2, 4));
	assert_non_null(pgt_arena_array(a, 10, 8)); /* a refusal spoils nothing */
	while (pgt_arena_alloc(a, 16))
		;
	assert_true(pgt_arena_used(a) <= 1000);
	assert_string_equal(s, "text");
	pgt_arena_free(a);
}

struct item {
	int n;
	struct pgt_list link;
};

static void
intrusive_list(void **state)
{
	struct item items[3] = {{.n = 1}, {.n = 2}, {.n = 3}};
	struct pgt_list head, *it;
	int sum = 0;

	(void)state;
	pgt_list_init(&head);
	assert_true(pgt_list_empty(&head));
	for (int i = 0; i < 3; i++)
		pgt_list_append(&head, &items[i].link);
	PGT_LIST_FOREACH(it, &head)
	sum = sum * 10 + PGT_CONTAINER(it, struct item, link)->n;
	assert_int_equal(sum, 123);
	pgt_list_remove(&items[1].link);
	pgt_list_remove(&items[1].link); /* once removed it is a list of its own */
	sum = 0;
	PGT_LIST_FOREACH(it, &head)
	sum = sum * 10 + PGT_CONTAINER(it, struct item, link)->n;
	assert_int_equal(sum, 13);
	pgt_list_remove(&items[0].link);
	pgt_list_remove(&items[2].link);
	assert_true(pgt_list_empty(&head));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plain_allocation),
	    cmocka_unit_test(failure_aborts_after_the_hook),
	    cmocka_unit_test(arena_is_zeroed_and_aligned),
	    cmocka_unit_test(arena_limit_and_text),
	    cmocka_unit_test(intrusive_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
