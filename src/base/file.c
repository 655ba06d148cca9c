#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pg2une/base/digest.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"

static int
fail_errno(struct pgt_err *err, const char *path, const char *what)
{
	int e = errno;
	enum pgt_errcode code = PGT_E_IO;

	if (e == ENOENT || e == ENOTDIR)
		code = PGT_E_NOTFOUND;
	else if (e == EACCES || e == EPERM)
		code = PGT_E_DENIED;
	return pgt_err_set(err, code, "%s: %s%s%s", path, what, *what ? ": " : "",
			   pgt_strerror(e));
}

/* The XDG Base Directory specification: a relative value is to be ignored. */
static char *
xdg_dir(const char *variable, const char *below_home)
{
	const char *base = getenv(variable), *home;

	if (base && base[0] == '/')
		return pgt_xasprintf("%s/pg2une", base);
	home = getenv("HOME");
	if (!home || home[0] != '/')
		home = "/";
	return pgt_xasprintf("%s/%s/pg2une", strcmp(home, "/") ? home : "", below_home);
}

char *
pgt_file_config_dir(void)
{
	return xdg_dir("XDG_CONFIG_HOME", ".config");
}

char *
pgt_file_state_dir(void)
{
	return xdg_dir("XDG_STATE_HOME", ".local/state");
}

/* One folder of the chain.  A parent may be shared if it is sticky (/tmp); the
 * last one holds our files: nobody else writes there. */
static int
make_one(const char *path, bool last, struct pgt_err *err)
{
	struct stat st;
	int why;

	if (mkdir(path, 0700) == 0)
		return 0;
	why = errno; /* EACCES or EROFS may come before EEXIST */
	if (stat(path, &st) < 0) {
		errno = why;
		return fail_errno(err, path, "mkdir");
	}
	if (!S_ISDIR(st.st_mode))
		return pgt_err_set(err, PGT_E_IO, "%s: not a folder", path);
	if (last && st.st_uid != geteuid())
		return pgt_err_set(err, PGT_E_DENIED, "%s: belongs to user %u", path,
				   (unsigned int)st.st_uid);
	if (last && (st.st_mode & 022))
		return pgt_err_set(err, PGT_E_DENIED,
				   "%s: others may write to it (mode %04o)", path,
				   (unsigned int)st.st_mode & 07777);
	if ((st.st_mode & 02) && !(st.st_mode & S_ISVTX))
		return pgt_err_set(err, PGT_E_DENIED,
				   "%s: everybody may write to it (mode %04o)", path,
				   (unsigned int)st.st_mode & 07777);
	return 0;
}

int
pgt_file_mkdirs(const char *path, struct pgt_err *err)
{
	char *copy, *p;
	size_t len = strlen(path);
	int rc = 0;

	while (len > 1 && path[len - 1] == '/')
		len--;
	if (len == 0)
		return pgt_err_set(err, PGT_E_IO, "an empty path names no folder");
	copy = pgt_xstrndup(path, len);
	for (p = copy + 1; rc == 0 && (p = strchr(p, '/')); p++) {
		*p = '\0';
		if (p[-1] != '\0') /* not between two slashes */
			rc = make_one(copy, false, err);
		*p = '/';
	}
	if (rc == 0)
		rc = make_one(copy, true, err);
	free(copy);
	return rc;
}

int
pgt_file_read(const char *path, struct pgt_buf *out, struct pgt_err *err)
{
	size_t before = out->len;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char chunk[16384];
	ssize_t n;

	if (fd < 0)
		return fail_errno(err, path, "");
	while (!out->overflow) {
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			fail_errno(err, path, "");
			goto fail;
		}
		if (n == 0)
			break;
		pgt_buf_put(out, chunk, (size_t)n);
	}
	if (out->overflow) {
		pgt_err_set(err, PGT_E_LIMIT, "%s: larger than %zu bytes", path,
			    out->max);
		goto fail;
	}
	pgt_buf_put(out, "", 0); /* an empty file is an empty string */
	close(fd);
	return 0;

fail:
	close(fd);
	out->overflow = false;
	out->len = before;
	if (out->data)
		out->data[before] = '\0';
	return -1;
}

static int
write_all(int fd, const char *p, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Never through a link: the rename would cut it off from what it names. */
static int
refuse_odd_target(const char *path, struct pgt_err *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : fail_errno(err, path, "");
	if (S_ISLNK(st.st_mode))
		return pgt_err_set(err, PGT_E_DENIED, "%s: a symbolic link, not replaced",
				   path);
	if (!S_ISREG(st.st_mode))
		return pgt_err_set(err, PGT_E_DENIED, "%s: not a regular file", path);
	return 0;
}

bool
pgt_file_small(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n > 0;
}

int
pgt_file_replace(const char *path, const void *data, size_t len, mode_t mode,
		 struct pgt_err *err)
{
	char uuid[37], *tmp;
	int fd = -1;

	if (refuse_odd_target(path, err) < 0)
		return -1;
	pgt_digest_uuid(uuid);
	tmp = pgt_xasprintf("%s.%.8s.tmp", path, uuid);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		fail_errno(err, tmp, "");
		free(tmp);
		return -1;
	}
	/* A failed fdatasync is never tried again: the kernel may have dropped the
	 * pages and would report success. */
	if (write_all(fd, data, len) < 0 || fchmod(fd, mode) < 0 || fdatasync(fd) < 0) {
		fail_errno(err, tmp, "write");
		goto fail;
	}
	if (close(fd) < 0) {
		fd = -1;
		fail_errno(err, tmp, "close");
		goto fail;
	}
	fd = -1;
	if (rename(tmp, path) < 0) {
		fail_errno(err, path, "rename");
		goto fail;
	}
	free(tmp);
	return pgt_file_fsync_parent(path, err);

fail:
	if (fd >= 0)
		close(fd);
	unlink(tmp);
	free(tmp);
	return -1;
}

int
pgt_file_fsync_parent(const char *path, struct pgt_err *err)
{
	const char *slash = strrchr(path, '/');
	char *dir = !slash          ? pgt_xstrdup(".")
		    : slash == path ? pgt_xstrdup("/")
				    : pgt_xstrndup(path, (size_t)(slash - path));
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0 || fsync(fd) < 0)
		rc = fail_errno(err, dir, "fsync");
	if (fd >= 0)
		close(fd);
	free(dir);
	return rc;
}

int
pgt_file_check_private(const char *path, struct pgt_err *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return fail_errno(err, path, "");
	if (!S_ISREG(st.st_mode))
		return pgt_err_set(err, PGT_E_DENIED, "%s: not a regular file", path);
	if (st.st_uid != geteuid())
		return pgt_err_set(err, PGT_E_DENIED, "%s: belongs to user %u", path,
				   (unsigned int)st.st_uid);
	if (st.st_mode & 077)
		return pgt_err_set(err, PGT_E_DENIED,
				   "%s: others have access (mode %04o), use chmod 600",
				   path, (unsigned int)st.st_mode & 07777);
	return 0;
}
