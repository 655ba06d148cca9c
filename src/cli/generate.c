/* The man page and the shell completions, from the same tables as --help. */
#include <stdio.h>
#include <string.h>

#include "cli_priv.h"
#include "pg2une/base/mem.h"

/* Text for troff: a leading dot or quote, backslashes and hyphens. */
static void
man_text(const char *s)
{
	bool line_start = true;

	for (; *s; s++) {
		if (line_start && (*s == '.' || *s == '\''))
			printf("\\&");
		line_start = *s == '\n';
		if (*s == '\\')
			printf("\\e");
		else if (*s == '-')
			printf("\\-");
		else
			putchar(*s);
	}
}

static void
man_option(const struct pgt_option *o)
{
	printf(".TP\n\\fB");
	if (o->letter)
		printf("\\-%c\\fR, \\fB", o->letter);
	printf("\\-\\-");
	man_text(o->name);
	printf("\\fR%s%s\n", o->arg ? " " : "", o->arg ? o->arg : "");
	man_text(o->help);
	if (o->dflt && o->arg) {
		printf(" (default ");
		man_text(o->dflt);
		printf(")");
	}
	printf(".\n");
}

static void
man_command(const struct pgt_cmd_ops *c)
{
	const struct pgt_option *o;
	const char *line, *end;

	printf(".SS pg2une %s ", c->name);
	man_text(c->operands ? c->operands : "[DBNAME]");
	printf("\n");
	man_text(c->summary);
	printf(".\n");
	if (c->details) {
		printf(".PP\n");
		man_text(c->details);
		printf("\n");
	}
	for (o = c->opts; o && o->name; o++)
		man_option(o);
	for (line = c->examples; line && *line; line = *end ? end + 1 : end) {
		char buf[400];

		end = line + strcspn(line, "\n");
		snprintf(buf, sizeof(buf), "pg2une %.*s", (int)(end - line), line);
		printf(".IP\n");
		man_text(buf);
		printf("\n");
	}
}

static void
generate_man(void)
{
	const struct pgt_option *table;
	size_t i, n;

	table = pgt_options_table(&n);
	printf(".TH PG2UNE 1\n.SH NAME\npg2une \\- watch and tune a PostgreSQL server\n"
	       ".SH SYNOPSIS\n.B pg2une\n[OPTION...] [DBNAME|CONNINFO|URI]\n.br\n"
	       ".B pg2une\nCOMMAND [OPTION...]\n.SH DESCRIPTION\n"
	       "Without a command, a full\\-screen console opens on the server.\n"
	       "With one, it prints one answer and ends.\n.SH COMMANDS\n");
	for (i = 0; pgt_cmd_table[i]; i++)
		man_command(pgt_cmd_table[i]);
	printf(".SH OPTIONS\n");
	for (i = 0; i < n; i++)
		if (!table[i].file_only)
			man_option(&table[i]);
	printf(".SH ENVIRONMENT\nlibpq's PG* variables, and:\n");
	for (i = 0; i < n; i++)
		if (table[i].env)
			printf(".TP\n\\fB%s\\fR\nas \\-\\-%s\n", table[i].env,
			       table[i].name);
	printf(".SH EXIT STATUS\n0 done, 1 failed, 2 the words were wrong.\n"
	       ".SH FILES\n.TP\n$XDG_CONFIG_HOME/pg2une/pg2une.conf\n"
	       "options as name = value under [pg2une], servers under [cluster NAME]\n");
}

static void
words_of(const struct pgt_option *opts, size_t n)
{
	size_t i;

	for (i = 0; i < n && opts[i].name; i++)
		if (!opts[i].file_only)
			printf(" --%s", opts[i].name);
}

static size_t
first_word(const char *name)
{
	return strcspn(name, " ");
}

/* All second words of the commands that begin with the same word. */
static void
second_words(size_t at)
{
	size_t i, n = first_word(pgt_cmd_table[at]->name);

	for (i = 0; pgt_cmd_table[i]; i++)
		if (first_word(pgt_cmd_table[i]->name) == n &&
		    pgt_cmd_table[i]->name[n] &&
		    strncmp(pgt_cmd_table[i]->name, pgt_cmd_table[at]->name, n) == 0)
			printf(" %s", pgt_cmd_table[i]->name + n + 1);
}

static bool
is_first(size_t at)
{
	size_t i, n = first_word(pgt_cmd_table[at]->name);

	for (i = 0; i < at; i++)
		if (first_word(pgt_cmd_table[i]->name) == n &&
		    strncmp(pgt_cmd_table[i]->name, pgt_cmd_table[at]->name, n) == 0)
			return false;
	return true;
}

static void
generate_bash(void)
{
	const struct pgt_option *table;
	size_t i, n;

	table = pgt_options_table(&n);
	printf("# bash completion for pg2une\n_pg2une()\n{\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} words=\n"
	       "\tlocal all=\"");
	words_of(table, n);
	printf("\"\n\tcase \"${COMP_WORDS[*]:1:2}\" in\n");
	for (i = 0; pgt_cmd_table[i]; i++) { /* two words before one */
		const struct pgt_cmd_ops *c = pgt_cmd_table[i];

		if (!strchr(c->name, ' '))
			continue;
		printf("\t'%s'*) words=\"", c->name);
		if (c->opts)
			words_of(c->opts, 64);
		printf("\" ;;\n");
	}
	for (i = 0; pgt_cmd_table[i]; i++) {
		const struct pgt_cmd_ops *c = pgt_cmd_table[i];

		if (!is_first(i))
			continue;
		printf("\t'%.*s'*) words=\"", (int)first_word(c->name), c->name);
		if (!strchr(c->name, ' ') && c->opts)
			words_of(c->opts, 64);
		second_words(i);
		printf("\" ;;\n");
	}
	printf("\tesac\n\t[ \"$COMP_CWORD\" -gt 1 ] || words=\"");
	for (i = 0; pgt_cmd_table[i]; i++)
		if (is_first(i))
			printf(" %.*s", (int)first_word(pgt_cmd_table[i]->name),
			       pgt_cmd_table[i]->name);
	printf(
	    "\"\n\tmapfile -t COMPREPLY < <(compgen -W \"$words $all\" -- \"$cur\")\n}\n"
	    "complete -o default -F _pg2une pg2une\n");
}

/* Single quotes within a zsh spec. */
static void
zsh_text(const char *s)
{
	for (; *s; s++) {
		if (*s == '\'')
			printf("'\\''");
		else if (*s == '[' || *s == ']' || *s == ':')
			printf("\\%c", *s);
		else
			putchar(*s);
	}
}

static void
zsh_options(const struct pgt_option *opts, size_t n)
{
	size_t i;

	for (i = 0; i < n && opts[i].name; i++) {
		if (opts[i].file_only)
			continue;
		printf(" \\\n\t\t'--%s%s[", opts[i].name, opts[i].arg ? "=" : "");
		zsh_text(opts[i].help);
		printf("]%s%s%s'", opts[i].arg ? ":" : "", opts[i].arg ? opts[i].arg : "",
		       opts[i].arg ? ":" : "");
	}
}

static void
generate_zsh(void)
{
	const struct pgt_option *table;
	size_t i, n;

	table = pgt_options_table(&n);
	printf("#compdef pg2une\n_pg2une() {\n\tlocal -a own\n\tcase \"${words[2,3]}\" "
	       "in\n");
	for (i = 0; pgt_cmd_table[i]; i++) {
		printf("\t('%s'*) own=(", pgt_cmd_table[i]->name);
		if (pgt_cmd_table[i]->opts)
			zsh_options(pgt_cmd_table[i]->opts, 64);
		printf(") ;;\n");
	}
	printf("\tesac\n\t_arguments $own");
	zsh_options(table, n);
	printf(" \\\n\t\t'1:command:(");
	for (i = 0; pgt_cmd_table[i]; i++)
		if (is_first(i))
			printf("%.*s ", (int)first_word(pgt_cmd_table[i]->name),
			       pgt_cmd_table[i]->name);
	printf(")' \\\n\t\t'2:what:(");
	for (i = 0; pgt_cmd_table[i]; i++)
		if (strchr(pgt_cmd_table[i]->name, ' '))
			printf("%s ", strchr(pgt_cmd_table[i]->name, ' ') + 1);
	printf(")'\n}\n_pg2une \"$@\"\n");
}

int
pgt_cli_generate(const char *what, struct pgt_err *err)
{
	static const struct {
		const char *name;
		void (*make)(void);
	} makers[] = {
	    {"man", generate_man}, {"bash", generate_bash}, {"zsh", generate_zsh}};
	size_t i;

	for (i = 0; i < PGT_LEN(makers); i++)
		if (strcmp(what, makers[i].name) == 0) {
			makers[i].make();
			return 0;
		}
	return pgt_err_set(err, PGT_E_USAGE,
			   "--generate: man, bash or zsh, not \"%.40s\"", what);
}
