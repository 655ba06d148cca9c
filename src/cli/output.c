#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/cli/output.h"

#define OUTPUT_MAX (256u << 20)

int
pgt_output_format(const char *name, enum pgt_format *ret, struct pgt_err *err)
{
	static const char *const names[] = {"table", "json", "csv", "yaml"};
	size_t i;

	for (i = 0; i < PGT_LEN(names); i++)
		if (strcmp(name, names[i]) == 0) {
			*ret = (enum pgt_format)i;
			return 0;
		}
	return pgt_err_set(err, PGT_E_USAGE,
			   "--format: \"%.40s\" is none of table, json, csv, yaml", name);
}

static cJSON *
envelope(const char *command, const cJSON *data, const char *error)
{
	cJSON *top = cJSON_CreateObject();
	char now[40];

	pgt_json_bool(top, "success", !error);
	pgt_json_str(top, "timestamp",
		     pgt_clock_iso8601(pgt_clock_real_ns(), now, sizeof(now)));
	pgt_json_str(top, "command", command ? command : "");
	if (data)
		cJSON_AddItemReferenceToObject(top, "data", (cJSON *)data);
	else
		pgt_json_null(top, "data");
	pgt_json_str(top, "error", error);
	return top;
}

/* ---- YAML: the block style of JSON's model, every string in double quotes ---- */

static void yaml_value(const cJSON *json, int depth, struct pgt_buf *out);

static void
yaml_scalar(const cJSON *json, struct pgt_buf *out)
{
	char *text = pgt_json_print(json, false); /* JSON scalars are YAML 1.2's */

	pgt_buf_puts(out, text ? text : "null");
	pgt_buf_putc(out, '\n');
	free(text);
}

static void
yaml_children(const cJSON *json, int depth, struct pgt_buf *out)
{
	bool array = cJSON_IsArray(json);
	const cJSON *item;
	cJSON *key;

	cJSON_ArrayForEach(item, json)
	{
		pgt_buf_printf(out, "%*s", depth * 2, "");
		if (array) {
			pgt_buf_puts(out, "-");
		} else {
			char *text;

			key = cJSON_CreateString(item->string);
			text = pgt_json_print(key, false);
			pgt_buf_printf(out, "%s:", text);
			free(text);
			cJSON_Delete(key);
		}
		yaml_value(item, depth, out);
	}
}

static void
yaml_value(const cJSON *json, int depth, struct pgt_buf *out)
{
	if (cJSON_IsArray(json) && !json->child) {
		pgt_buf_puts(out, " []\n");
	} else if (cJSON_IsObject(json) && !json->child) {
		pgt_buf_puts(out, " {}\n");
	} else if (cJSON_IsArray(json) || cJSON_IsObject(json)) {
		pgt_buf_putc(out, '\n');
		yaml_children(json, depth + 1, out);
	} else {
		pgt_buf_putc(out, ' ');
		yaml_scalar(json, out);
	}
}

void
pgt_output_yaml(const cJSON *json, struct pgt_buf *out)
{
	if (cJSON_IsArray(json) || cJSON_IsObject(json))
		yaml_children(json, 0, out);
	else
		yaml_scalar(json, out);
}

/* ---- CSV (RFC 4180): the first view that is a list, else names and values ---- */

static void
csv_cell(const cJSON *v, bool first, struct pgt_buf *out)
{
	char *printed = NULL;
	const char *s = "";

	if (cJSON_IsString(v))
		s = v->valuestring;
	else if (v && !cJSON_IsNull(v))
		s = printed = pgt_json_print(v, false);
	if (!first)
		pgt_buf_putc(out, ',');
	if (strpbrk(s, ",\"\r\n")) {
		pgt_buf_putc(out, '"');
		for (; *s; s++) {
			if (*s == '"')
				pgt_buf_putc(out, '"');
			pgt_buf_putc(out, *s);
		}
		pgt_buf_putc(out, '"');
	} else {
		pgt_buf_puts(out, s);
	}
	free(printed);
}

void
pgt_output_csv(const cJSON *data, const struct pgt_view *views, struct pgt_buf *out)
{
	const struct pgt_view *v, *list = NULL;
	const struct pgt_column *c;
	const cJSON *rows, *row;

	for (v = views; v && v->title && !list; v++)
		if (cJSON_IsArray(pgt_json_path(data, v->path)))
			list = v;
	if (!list) {
		pgt_buf_puts(out, "name,value\r\n");
		cJSON_ArrayForEach(row, data)
		{
			pgt_buf_puts(out, row->string ? row->string : "");
			csv_cell(row, false, out);
			pgt_buf_puts(out, "\r\n");
		}
		return;
	}
	rows = pgt_json_path(data, list->path);
	for (c = list->columns; c->title; c++)
		pgt_buf_printf(out, "%s%s", c == list->columns ? "" : ",", c->key);
	pgt_buf_puts(out, "\r\n");
	cJSON_ArrayForEach(row, rows)
	{
		for (c = list->columns; c->title; c++)
			csv_cell(pgt_json_path(row, c->key), c == list->columns, out);
		pgt_buf_puts(out, "\r\n");
	}
}

/* ---- all together ---- */

/* Cut only for a terminal: what is piped on must be whole. */
static int
terminal_width(void)
{
	struct winsize w;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
		return w.ws_col;
	return 80;
}

int
pgt_output_answer(enum pgt_format format, const char *command, const cJSON *data,
		  const struct pgt_view *views, struct pgt_err *err)
{
	struct pgt_buf out;
	cJSON *top = NULL;
	char *text = NULL;
	int rc = 0;

	pgt_buf_init(&out, OUTPUT_MAX);
	switch (format) {
	case PGT_FORMAT_TABLE:
		pgt_output_tables(data, views, terminal_width(), &out);
		break;
	case PGT_FORMAT_CSV:
		pgt_output_csv(data, views, &out);
		break;
	case PGT_FORMAT_JSON:
		top = envelope(command, data, NULL);
		text = pgt_json_print(top, true);
		pgt_buf_puts(&out, text);
		pgt_buf_putc(&out, '\n');
		break;
	case PGT_FORMAT_YAML:
		top = envelope(command, data, NULL);
		pgt_output_yaml(top, &out);
		break;
	}
	if (out.overflow)
		rc = pgt_err_set(err, PGT_E_LIMIT, "the answer is too large to print");
	else if (fwrite(pgt_buf_str(&out), 1, out.len, stdout) != out.len ||
		 fflush(stdout) != 0)
		rc = pgt_err_set(err, PGT_E_IO,
				 "cannot write the answer to standard output");
	free(text);
	cJSON_Delete(top);
	pgt_buf_done(&out);
	return rc;
}

void
pgt_output_failure(enum pgt_format format, const char *command, const struct pgt_err *e,
		   struct pgt_buf *out)
{
	cJSON *top;
	char *text;

	if (format != PGT_FORMAT_JSON && format != PGT_FORMAT_YAML) {
		pgt_buf_printf(out, "pg2une%s%s: %s\n", command ? " " : "",
			       command ? command : "", e->msg);
		return;
	}
	top = envelope(command, NULL, e->msg);
	if (format == PGT_FORMAT_YAML) {
		pgt_output_yaml(top, out);
	} else {
		text = pgt_json_print(top, false);
		pgt_buf_puts(out, text);
		pgt_buf_putc(out, '\n');
		free(text);
	}
	cJSON_Delete(top);
}
