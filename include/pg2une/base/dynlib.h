/* Libraries that most sessions never need, opened on first use.  A console that
 * watches one server has no use for LAPACK, NLopt or curl, and linked in they and
 * what they pull along are 5 MB of every session's memory and a third of its start.
 *
 * A user names the functions once, and calls them through a table of its own whose
 * members have the types of the library's header:
 *
 *	#define CURL(F) F(curl_, easy_init) F(curl_, easy_perform)
 *	static struct { CURL(PGT_DYNLIB_MEMBER) } curl;
 *	static const char *const curl_names[] = {CURL(PGT_DYNLIB_NAME)};
 *	static struct pgt_dynlib curl_lib =
 *		PGT_DYNLIB("libcurl.so.4", "libcurl4", curl_names, curl);
 *
 *	if (pgt_dynlib_open(&curl_lib, err) < 0)
 *		return -1;
 *	c = curl.easy_init();
 *
 * Thread: any; the first opens, the others wait.  What was opened stays. */
#ifndef PG2UNE_BASE_DYNLIB_H
#define PG2UNE_BASE_DYNLIB_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "pg2une/base/err.h"

struct pgt_dynlib {
	const char *soname;  /* as the dynamic linker looks for it */
	const char *package; /* Debian's, for the error message */
	const char *const *names;
	size_t n;
	void *table; /* n function pointers, in the order of names */
	pthread_mutex_t mutex;
	void *handle;
	atomic_bool open;
};

#define PGT_DYNLIB_MEMBER(prefix, name) __typeof__(&prefix##name) name;
#define PGT_DYNLIB_NAME(prefix, name)	#prefix #name,
#define PGT_DYNLIB(lib_soname, lib_package, lib_names, lib_table)                        \
	{                                                                                \
		.soname = lib_soname, .package = lib_package, .names = lib_names,        \
		.n = sizeof(lib_names) / sizeof(lib_names[0]), .table = &lib_table,      \
		.mutex = PTHREAD_MUTEX_INITIALIZER                                       \
	}

/* Open the library and fill its table; at once when that was done.  PGT_E_UNSUPPORTED
 * when it or one of its functions is missing, with the package to install; the
 * next call tries again. */
PGT_MUST_CHECK int pgt_dynlib_open(struct pgt_dynlib *lib, struct pgt_err *err);

/* A function that only some builds of an open library have; NULL when absent. */
void *pgt_dynlib_optional(const struct pgt_dynlib *lib, const char *name);

#endif
