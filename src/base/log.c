#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/log.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"

#define LINE_MAX_BYTES 4096

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1; /* under the mutex */
/* Read without it, so that a level that is off costs one load. */
static atomic_int min_level = PGT_LOG_ERROR + 1;

int
pgt_log_open(const char *path, enum pgt_loglevel min, struct pgt_err *err)
{
	int fd = open(path,
		      O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY,
		      0600);

	if (fd < 0)
		return pgt_err_set(err, PGT_E_IO, "log %s: %s", path,
				   pgt_strerror(errno));
	pthread_mutex_lock(&mutex);
	if (log_fd >= 0)
		close(log_fd);
	log_fd = fd;
	min_level = (int)min;
	pthread_mutex_unlock(&mutex);
	return 0;
}

void
pgt_log_close(void)
{
	pthread_mutex_lock(&mutex);
	if (log_fd >= 0)
		close(log_fd);
	log_fd = -1;
	min_level = PGT_LOG_ERROR + 1;
	pthread_mutex_unlock(&mutex);
}

/* One write a line: lines of two processes on one file do not mix. */
static void
put_line(const char *line, size_t len)
{
	pthread_mutex_lock(&mutex);
	if (log_fd >= 0 && write(log_fd, line, len) < 0) {
		/* a log that fails has nobody to tell */
	}
	pthread_mutex_unlock(&mutex);
}

void
pgt_log(enum pgt_loglevel level, const char *fmt, ...)
{
	static const char *const names[] = {
	    [PGT_LOG_DEBUG] = "debug",
	    [PGT_LOG_INFO] = "info ",
	    [PGT_LOG_WARN] = "warn ",
	    [PGT_LOG_ERROR] = "error",
	};
	char time[32], *raw, *redacted, *safe, line[LINE_MAX_BYTES + 64];
	va_list ap;
	int n;

	if ((int)level < min_level)
		return;
	va_start(ap, fmt);
	if (vasprintf(&raw, fmt, ap) < 0)
		pgt_mem_abort();
	va_end(ap);
	redacted = pgt_safetext_redact(raw);
	safe = pgt_safetext(redacted, PGT_SAFE_LINE, LINE_MAX_BYTES);
	pgt_clock_iso8601(pgt_clock_real_ns(), time, sizeof(time));
	n = snprintf(line, sizeof(line), "%s %s %s\n", time, names[level], safe);
	put_line(line, (size_t)n);
	free(safe);
	free(redacted);
	free(raw);
}
