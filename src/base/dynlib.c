#include <dlfcn.h>
#include <string.h>

#include "pg2une/base/dynlib.h"
#include "pg2une/base/safetext.h"

static int
fill(struct pgt_dynlib *lib, void *handle, struct pgt_err *err)
{
	char *to = lib->table;
	size_t i;

	for (i = 0; i < lib->n; i++) {
		void *fn = dlsym(handle, lib->names[i]);

		if (!fn)
			return pgt_err_set(err, PGT_E_UNSUPPORTED,
					   "%s has no %s: install another %s",
					   lib->soname, lib->names[i], lib->package);
		/* ISO C has no cast from an object to a function; POSIX has the copy */
		memcpy(to + i * sizeof(fn), &fn, sizeof(fn));
	}
	return 0;
}

static int
open_locked(struct pgt_dynlib *lib, struct pgt_err *err)
{
	void *handle;
	char why[200];

	if (atomic_load(&lib->open))
		return 0;
	handle = dlopen(lib->soname, RTLD_LAZY | RTLD_LOCAL);
	if (!handle) {
		pgt_safetext_copy(why, sizeof(why), dlerror());
		return pgt_err_set(err, PGT_E_UNSUPPORTED,
				   "this needs %s: install the package %s (%s)",
				   lib->soname, lib->package, why);
	}
	if (fill(lib, handle, err) < 0) {
		dlclose(handle);
		return -1;
	}
	lib->handle = handle;
	atomic_store(&lib->open, true);
	return 0;
}

int
pgt_dynlib_open(struct pgt_dynlib *lib, struct pgt_err *err)
{
	int rc;

	if (atomic_load(&lib->open))
		return 0;
	pthread_mutex_lock(&lib->mutex);
	rc = open_locked(lib, err);
	pthread_mutex_unlock(&lib->mutex);
	return rc;
}

void *
pgt_dynlib_optional(const struct pgt_dynlib *lib, const char *name)
{
	return atomic_load(&lib->open) ? dlsym(lib->handle, name) : NULL;
}
