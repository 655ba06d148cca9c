/* Files that were built into the program, for faces, which do not see layer pg:
 * "themes/dark.theme" and the like.  Constant data, any thread. */
#ifndef PG2UNE_ENGINE_ASSETS_H
#define PG2UNE_ENGINE_ASSETS_H

#include <stddef.h>

/* The text of the file, NULL when there is none. */
const char *pgt_asset(const char *path);
/* Enumerates: its text and path; NULL past the end. */
const char *pgt_asset_at(size_t i, const char **ret_path);

#endif
