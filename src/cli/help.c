/* --help of the program and of each command, from the tables. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli_priv.h"

#define INDENT 33 /* of what an option is for */

/* Cells of a line on a terminal; 0: no terminal, and so no end. */
static int
columns(void)
{
	struct winsize w;

	return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 &&
			       w.ws_col >= 60
		       ? w.ws_col
		       : 0;
}

/* Broken between words, so that each line begins at indent; to a file, as it is. */
static void
print_text(const char *text, int indent)
{
	int room = columns() - indent, x = 0;

	if (room <= 0 || strchr(text, '\n')) { /* to a file; or it has its lines */
		printf("%s", text);
		return;
	}
	while (*text) {
		int n = (int)strcspn(text, " ");

		if (x > 0 && x + 1 + n > room) {
			printf("\n%*s", indent, "");
			x = 0;
		}
		x += printf("%s%.*s", x ? " " : "", n, text);
		text += n;
		text += strspn(text, " ");
	}
}

static void
print_option(const struct pgt_option *o)
{
	char left[64];

	if (o->letter)
		snprintf(left, sizeof(left), "-%c, --%s%s%s", o->letter, o->name,
			 o->arg ? " " : "", o->arg ? o->arg : "");
	else
		snprintf(left, sizeof(left), "    --%s%s%s", o->name, o->arg ? " " : "",
			 o->arg ? o->arg : "");
	printf("  %-30s ", left);
	print_text(o->help, INDENT);
	if (o->dflt && o->arg)
		printf(" (%s)", o->dflt);
	printf("\n");
}

static void
print_globals(void)
{
	const struct pgt_option *table;
	size_t i, k, n;

	table = pgt_options_table(&n);
	for (i = 0; i < n; i++) {
		for (k = 0; k < i; k++)
			if (!table[k].file_only &&
			    strcmp(table[k].group, table[i].group) == 0)
				break;
		if (k < i || table[i].file_only)
			continue;
		printf("\n%s options:\n", table[i].group); /* the first prints all */
		for (k = i; k < n; k++)
			if (!table[k].file_only &&
			    strcmp(table[k].group, table[i].group) == 0)
				print_option(&table[k]);
	}
}

static void
print_commands(void)
{
	const struct pgt_cmd_ops *const *c, *const *before;

	for (c = pgt_cmd_table; *c; c++) {
		for (before = pgt_cmd_table; before < c; before++)
			if (strcmp((*before)->group, (*c)->group) == 0)
				break;
		if (before == c) { /* the first of its group prints all of it */
			printf("\n%s:\n", (*c)->group);
			for (before = c; *before; before++)
				if (strcmp((*before)->group, (*c)->group) == 0) {
					printf("  %-22s ", (*before)->name);
					print_text((*before)->summary, 25);
					printf("\n");
				}
		}
	}
}

static void
print_program(void)
{
	printf("Watch and tune a PostgreSQL server.\n\n"
	       "Usage:\n"
	       "  pg2une [OPTION...] [DBNAME|CONNINFO|URI]   open the console\n"
	       "  pg2une COMMAND [OPTION...]                 one answer, then the end\n");
	print_commands();
	print_globals();
	printf("\npg2une COMMAND --help shows a command's own options and examples.\n"
	       "Exit status: 0 done, 1 failed, 2 the words were wrong.\n");
}

void
pgt_cli_help(const struct pgt_cmd_ops *ops)
{
	const struct pgt_option *o;
	const char *line, *end;

	if (!ops) {
		print_program();
		return;
	}
	printf("pg2une %s: %s\n\nUsage:\n  pg2une %s%s %s\n", ops->name, ops->summary,
	       ops->name, ops->opts ? " [OPTION...]" : "",
	       ops->operands ? ops->operands : "[DBNAME|CONNINFO|URI]");
	if (ops->details) {
		printf("\n");
		print_text(ops->details, 0);
		printf("\n");
	}
	if (ops->opts)
		printf("\nOptions:\n");
	for (o = ops->opts; o && o->name; o++)
		print_option(o);
	printf("  %-30s %s\n", "    --format FORMAT", "table, json, csv or yaml (table)");
	printf("\nConnection options (-h -p -U -d -W --service --name ...): see pg2une "
	       "--help\n"
	       "\nExamples:\n");
	for (line = ops->examples; line && *line; line = *end ? end + 1 : end) {
		end = line + strcspn(line, "\n");
		printf("  pg2une %.*s\n", (int)(end - line), line);
	}
}
