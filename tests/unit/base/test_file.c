#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "pg2une/base/file.h"
#include "pg2une/base/host.h"
#include "pg2une/base/log.h"
#include "pg2une/base/mem.h"

static char dir[] = "/tmp/pg2une-test-XXXXXX";

/* A path below the test's folder, in one of four places used in turn. */
static const char *
in_dir(const char *name)
{
	static char paths[4][256];
	static unsigned int turn;
	char *p = paths[turn++ % 4];

	snprintf(p, sizeof(paths[0]), "%s/%s", dir, name);
	return p;
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static int
entries(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void
check_text(const char *path, const char *want)
{
	struct pgt_err err;
	struct pgt_buf b;

	pgt_buf_init(&b, 1 << 20);
	assert_int_equal(pgt_file_read(path, &b, &err), 0);
	assert_string_equal(pgt_buf_str(&b), want);
	pgt_buf_done(&b);
}

static void
xdg_folders(void **state)
{
	static const struct {
		const char *xdg, *home, *want;
	} rows[] = {
	    {"/x", "/h", "/x/pg2une"},       {"relative", "/h", "/h/.config/pg2une"},
	    {"", "/h", "/h/.config/pg2une"}, {NULL, "/h", "/h/.config/pg2une"},
	    {NULL, NULL, "/.config/pg2une"},
	};
	char *s;

	(void)state;
	for (size_t i = 0; i < PGT_LEN(rows); i++) {
		if (rows[i].xdg)
			setenv("XDG_CONFIG_HOME", rows[i].xdg, 1);
		else
			unsetenv("XDG_CONFIG_HOME");
		if (rows[i].home)
			setenv("HOME", rows[i].home, 1);
		else
			unsetenv("HOME");
		s = pgt_file_config_dir();
		assert_string_equal(s, rows[i].want);
		free(s);
	}
	setenv("XDG_STATE_HOME", "/s", 1);
	s = pgt_file_state_dir();
	assert_string_equal(s, "/s/pg2une");
	free(s);
	setenv("HOME", "/h", 1);
	unsetenv("XDG_STATE_HOME");
	s = pgt_file_state_dir();
	assert_string_equal(s, "/h/.local/state/pg2une");
	free(s);
}

static void
folders_are_made_private(void **state)
{
	struct pgt_err err = {0};

	(void)state;
	umask(0);
	assert_int_equal(pgt_file_mkdirs(in_dir("a/b//c/"), &err), 0);
	assert_int_equal(mode_of(in_dir("a")), 0700);
	assert_int_equal(mode_of(in_dir("a/b/c")), 0700);
	assert_int_equal(pgt_file_mkdirs(in_dir("a/b/c"), &err), 0);
	/* Others may write to it, or somewhere above without the sticky bit. */
	assert_int_equal(chmod(in_dir("a/b/c"), 0770), 0);
	assert_int_equal(pgt_file_mkdirs(in_dir("a/b/c"), &err), -1);
	assert_int_equal(err.code, PGT_E_DENIED);
	assert_int_equal(chmod(in_dir("a/b/c"), 0700), 0);
	assert_int_equal(chmod(in_dir("a/b"), 0777), 0);
	assert_int_equal(pgt_file_mkdirs(in_dir("a/b/c"), &err), -1);
	assert_int_equal(chmod(in_dir("a/b"), 01777), 0);
	assert_int_equal(pgt_file_mkdirs(in_dir("a/b/c"), &err), 0);

	assert_int_equal(pgt_file_replace(in_dir("file"), "x", 1, 0600, &err), 0);
	assert_int_equal(pgt_file_mkdirs(in_dir("file"), &err), -1);
	assert_int_equal(pgt_file_mkdirs(in_dir("file/below"), &err), -1);
	assert_int_equal(pgt_file_mkdirs("", &err), -1);
}

static void
bounded_reading(void **state)
{
	struct pgt_err err = {0};
	struct pgt_buf b;
	char *big = pgt_xmalloc(100000);

	(void)state;
	memset(big, 'y', 100000);
	assert_int_equal(pgt_file_replace(in_dir("big"), big, 100000, 0600, &err), 0);
	pgt_buf_init(&b, 100000);
	assert_int_equal(pgt_file_read(in_dir("big"), &b, &err), 0);
	assert_int_equal(b.len, 100000);
	assert_memory_equal(b.data, big, 100000);
	pgt_buf_done(&b);

	pgt_buf_init(&b, 99999);
	pgt_buf_puts(&b, "before");
	assert_int_equal(pgt_file_read(in_dir("big"), &b, &err), -1);
	assert_int_equal(err.code, PGT_E_LIMIT);
	assert_string_equal(pgt_buf_str(&b), "before"); /* untouched */
	assert_false(b.overflow);
	assert_int_equal(pgt_file_read(in_dir("none"), &b, &err), -1);
	assert_int_equal(err.code, PGT_E_NOTFOUND);
	assert_int_equal(pgt_file_read(dir, &b, &err), -1);
	assert_int_equal(err.code, PGT_E_IO);
	assert_string_equal(pgt_buf_str(&b), "before");
	pgt_buf_done(&b);
	free(big);

	assert_int_equal(pgt_file_replace(in_dir("empty"), "", 0, 0600, &err), 0);
	check_text(in_dir("empty"), "");
}

static void
replacement_is_whole_or_nothing(void **state)
{
	struct pgt_err err = {0};
	int before;

	(void)state;
	assert_int_equal(pgt_file_replace(in_dir("r"), "one", 3, 0640, &err), 0);
	check_text(in_dir("r"), "one");
	assert_int_equal(mode_of(in_dir("r")), 0640);
	before = entries(dir);
	assert_int_equal(pgt_file_replace(in_dir("r"), "two", 3, 0600, &err), 0);
	check_text(in_dir("r"), "two");
	assert_int_equal(mode_of(in_dir("r")), 0600);

	/* A link is not replaced: the file that it names would be left behind. */
	assert_int_equal(symlink("r", in_dir("link")), 0);
	assert_int_equal(pgt_file_replace(in_dir("link"), "three", 5, 0600, &err), -1);
	assert_int_equal(err.code, PGT_E_DENIED);
	assert_int_equal(unlink(in_dir("link")), 0);
	assert_int_equal(pgt_file_replace(dir, "x", 1, 0600, &err), -1);
	assert_int_equal(pgt_file_replace(in_dir("none/x"), "x", 1, 0600, &err), -1);
	assert_int_equal(err.code, PGT_E_NOTFOUND);
	check_text(in_dir("r"), "two");
	assert_int_equal(entries(dir), before); /* no temporary file stays */
}

static void
private_files(void **state)
{
	struct pgt_err err = {0};

	(void)state;
	assert_int_equal(pgt_file_replace(in_dir("secret"), "s", 1, 0600, &err), 0);
	assert_int_equal(pgt_file_check_private(in_dir("secret"), &err), 0);
	for (mode_t bit = 01; bit <= 040; bit <<= 1) {
		assert_int_equal(chmod(in_dir("secret"), 0600 | bit), 0);
		assert_int_equal(pgt_file_check_private(in_dir("secret"), &err), -1);
		assert_int_equal(err.code, PGT_E_DENIED);
	}
	assert_int_equal(chmod(in_dir("secret"), 0400), 0);
	assert_int_equal(pgt_file_check_private(in_dir("secret"), &err), 0);
	assert_int_equal(symlink("secret", in_dir("alias")), 0);
	assert_int_equal(pgt_file_check_private(in_dir("alias"), &err), -1);
	assert_int_equal(pgt_file_check_private(dir, &err), -1);
	assert_int_equal(pgt_file_check_private(in_dir("none"), &err), -1);
	assert_int_equal(err.code, PGT_E_NOTFOUND);
}

static void
parent_sync(void **state)
{
	struct pgt_err err = {0};

	(void)state;
	assert_int_equal(pgt_file_fsync_parent(in_dir("r"), &err), 0);
	assert_int_equal(pgt_file_fsync_parent("name", &err), 0);
	assert_int_equal(pgt_file_fsync_parent("/name", &err), 0);
	assert_int_equal(pgt_file_fsync_parent(in_dir("none/x"), &err), -1);
}

static void
log_lines_are_safe(void **state)
{
	struct pgt_err err = {0};
	struct pgt_buf b;
	char *big = pgt_xmalloc(10000), *second;

	(void)state;
	memset(big, 'z', 9999);
	big[9999] = '\0';
	pgt_log(PGT_LOG_ERROR, "nobody listens yet");
	assert_int_equal(pgt_log_open(in_dir("log"), PGT_LOG_INFO, &err), 0);
	pgt_log(PGT_LOG_DEBUG, "too low");
	pgt_log(PGT_LOG_INFO, "a\nforged line \033[2J %s", "password=hunter2");
	pgt_log(PGT_LOG_ERROR, "%s", big);
	pgt_log_close();
	pgt_log(PGT_LOG_ERROR, "after the end");

	pgt_buf_init(&b, 1 << 20);
	assert_int_equal(pgt_file_read(in_dir("log"), &b, &err), 0);
	assert_int_equal(mode_of(in_dir("log")), 0600);
	second = strchr(b.data, '\n') + 1;
	assert_non_null(strstr(b.data, "Z info  a forged line \\x1b[2J password=***\n"));
	assert_null(strstr(b.data, "too low"));
	assert_null(strstr(b.data, "nobody"));
	assert_null(strstr(b.data, "after"));
	assert_non_null(strstr(second, "Z error zzz"));
	assert_non_null(strstr(second, "...\n"));
	assert_ptr_equal(strchr(second, '\n'), b.data + b.len - 1); /* two lines */
	assert_true(b.len < 5000);
	pgt_buf_done(&b);
	free(big);

	/* It appends, and follows no link. */
	assert_int_equal(pgt_log_open(in_dir("log"), PGT_LOG_WARN, &err), 0);
	pgt_log(PGT_LOG_INFO, "too low");
	pgt_log(PGT_LOG_WARN, "third");
	assert_int_equal(symlink("log", in_dir("loglink")), 0);
	assert_int_equal(pgt_log_open(in_dir("loglink"), PGT_LOG_INFO, &err), -1);
	pgt_log(PGT_LOG_WARN, "fourth"); /* the old one stays open */
	pgt_log_close();
	pgt_buf_init(&b, 1 << 20);
	assert_int_equal(pgt_file_read(in_dir("log"), &b, &err), 0);
	assert_non_null(strstr(b.data, "info  a forged"));
	assert_non_null(strstr(b.data, "warn  third\n"));
	assert_non_null(strstr(b.data, "warn  fourth\n"));
	pgt_buf_done(&b);
}

static int
make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int
remove_dir(void **state)
{
	static const char *const names[] = {"a/b/c", "a/b",     "a",  "file",
					    "big",   "empty",   "r",  "secret",
					    "alias", "loglink", "log"};

	(void)state;
	for (size_t i = 0; i < PGT_LEN(names); i++)
		remove(in_dir(names[i]));
	return rmdir(dir); /* fails when a temporary file was left behind */
}

static void
the_beginning_of_a_small_one(void **state)
{
	char buf[8] = "before";
	FILE *f = fopen(in_dir("small"), "w");

	(void)state;
	assert_non_null(f);
	fputs("12345678901", f);
	fclose(f);
	assert_true(pgt_file_small(in_dir("small"), buf, sizeof(buf)));
	assert_string_equal(buf, "1234567");
	assert_false(pgt_file_small(in_dir("none"), buf, sizeof(buf)));
	assert_string_equal(buf, "");
	assert_true(pgt_host_memory() > 64e6 && pgt_host_memory() < 1e15);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(xdg_folders),
	    cmocka_unit_test(folders_are_made_private),
	    cmocka_unit_test(bounded_reading),
	    cmocka_unit_test(the_beginning_of_a_small_one),
	    cmocka_unit_test(replacement_is_whole_or_nothing),
	    cmocka_unit_test(private_files),
	    cmocka_unit_test(parent_sync),
	    cmocka_unit_test(log_lines_are_safe),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
