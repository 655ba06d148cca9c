/* The command line's way to a server, with the one place that asks for a password. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli_priv.h"
#include "pg2une/base/mem.h"
#include "pg2une/engine/session.h"

#define PASSWORD_MAX 1000

/* Ask on the controlling terminal, so that stdin and stdout stay data. */
static int
ask_password(char *buf, size_t size, struct pgt_err *err)
{
	struct termios old, quiet;
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	size_t n = 0;

	if (fd < 0 || tcgetattr(fd, &old) < 0) {
		if (fd >= 0)
			close(fd);
		return pgt_err_set(
		    err, PGT_E_CONN,
		    "a password is needed and there is no terminal to ask on: "
		    "use PGPASSWORD, a password file or a service");
	}
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	tcsetattr(fd, TCSAFLUSH, &quiet);
	if (write(fd, "Password: ", 10) == 10)
		while (n + 1 < size && read(fd, buf + n, 1) == 1 && buf[n] != '\n')
			n++;
	buf[n] = '\0';
	tcsetattr(fd, TCSAFLUSH, &old);
	if (write(fd, "\n", 1) != 1)
		n = 0;
	close(fd);
	return n > 0 ? 0 : pgt_err_set(err, PGT_E_CONN, "no password given");
}

/* A change has sessions of its own, and its guard another: what was typed is handed on to
 * them.  Tried out first, so that a wrong one is told before anything begins. */
int
pgt_cmd_password(struct pgt_cmd *c, char **ret, struct pgt_err *err)
{
	char password[PASSWORD_MAX] = "";
	bool ask = pgt_options_bool(c->options, "password"), needs = false;
	struct pgt_session *s = NULL;
	int rc = 0;

	*ret = NULL;
	if (!ask && !isatty(STDIN_FILENO))
		return 0;
	if (!ask) {
		rc = pgt_session_open(c->options, NULL, &s, &needs, err);
		if (rc == 0 || !needs)
			goto out;
	}
	if (ask_password(password, sizeof(password), err) < 0)
		return -1;
	rc = pgt_session_open(c->options, password, &s, &needs, err);
	if (rc == 0)
		*ret = pgt_xstrdup(password);
out:
	explicit_bzero(password, sizeof(password));
	if (rc == 0)
		pgt_session_close(s);
	return rc;
}

void
pgt_cmd_forget(char *password)
{
	if (password)
		explicit_bzero(password, strlen(password));
	free(password);
}

int
pgt_cmd_ask(struct pgt_cmd *c, char **ret, struct pgt_err *err)
{
	char password[PASSWORD_MAX] = "";

	*ret = NULL;
	if (!pgt_options_bool(c->options, "password"))
		return 0;
	if (ask_password(password, sizeof(password), err) < 0)
		return -1;
	*ret = pgt_xstrdup(password);
	explicit_bzero(password, sizeof(password));
	return 0;
}

int
pgt_cmd_connect(struct pgt_cmd *c, struct pgt_session **ret, struct pgt_err *err)
{
	char password[PASSWORD_MAX] = "";
	bool ask = pgt_options_bool(c->options, "password"), needs = false;
	int rc;

	if (ask && ask_password(password, sizeof(password), err) < 0)
		return -1;
	rc = pgt_session_open(c->options, ask ? password : NULL, ret, &needs, err);
	if (rc < 0 && needs && !ask && isatty(STDIN_FILENO)) {
		if (ask_password(password, sizeof(password), err) == 0)
			rc = pgt_session_open(c->options, password, ret, &needs, err);
	}
	explicit_bzero(password, sizeof(password));
	return rc;
}
