/* --help of the program and of each command, from the tables. */
#include <stdio.h>
#include <string.h>

#include "cli_priv.h"

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
	printf("  %-30s %s", left, o->help);
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
				if (strcmp((*before)->group, (*c)->group) == 0)
					printf("  %-22s %s\n", (*before)->name,
					       (*before)->summary);
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
	if (ops->details)
		printf("\n%s\n", ops->details);
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
