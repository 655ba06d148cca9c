#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/mem.h"
#include "pg2une/pg/sql.h"
#include "sqltext_priv.h"

#define STMT_MAX (256 * 1024)

static const char *
skip_comments(const char *text)
{
	while (text && text[0] == '-' && text[1] == '-') {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return text;
}

const char *
pgt_change_sql(const char *name, int server_version_num)
{
	const char *text = NULL;
	char path[128];
	int major;

	for (major = server_version_num / 10000; !text && major > 13; major--) {
		snprintf(path, sizeof(path), "sql/change/%s_%d.sql", name, major);
		text = pgt_sql_file(path);
	}
	if (!text) {
		snprintf(path, sizeof(path), "sql/change/%s.sql", name);
		text = pgt_sql_file(path);
	}
	text = skip_comments(text);
	if (!text)
		abort(); /* the build embeds it */
	return text;
}

static const char *
fill_for(const struct pgt_fill *fills, const char *key, size_t len)
{
	for (; fills->key; fills++)
		if (strlen(fills->key) == len && memcmp(fills->key, key, len) == 0)
			return fills->text;
	abort(); /* template and caller disagree */
}

char *
pgt_change_stmt(const char *name, const struct pgt_fill *fills)
{
	const char *text, *end;
	struct pgt_buf b;
	char path[128];

	snprintf(path, sizeof(path), "sql/change/stmt/%s.sql", name);
	text = skip_comments(pgt_sql_file(path));
	if (!text)
		abort();
	pgt_buf_init(&b, STMT_MAX);
	for (; *text && *text != '\n'; text++) {
		if (*text != '{') {
			pgt_buf_putc(&b, *text);
			continue;
		}
		end = strchr(text, '}');
		if (!end)
			abort();
		pgt_buf_puts(&b, fill_for(fills, text + 1, (size_t)(end - text - 1)));
		text = end;
	}
	return pgt_buf_take(&b);
}
