#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dialog_priv.h"
#include "pg2une/base/buf.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "script_priv.h"
#include "ui_priv.h"

#define WAIT_NS       (30 * PGT_NS_PER_S)
#define LOOK_AGAIN_NS (50 * PGT_NS_PER_MS)

struct pgt_script {
	char *text, *path;
	char *at; /* the rest */
	int line;
	int64_t deadline_ns; /* of a wait or pause that is under way; 0 none */
};

int
pgt_script_open(const char *path, struct pgt_script **ret, struct pgt_err *err)
{
	struct pgt_script *s;
	struct pgt_buf b;

	pgt_buf_init(&b, 1 << 20);
	if (pgt_file_read(path, &b, err) < 0) {
		pgt_buf_done(&b);
		return -1;
	}
	s = pgt_xcalloc(1, sizeof(*s));
	s->text = s->at = pgt_xstrdup(pgt_buf_str(&b));
	s->path = pgt_xstrdup(path);
	s->line = 1;
	pgt_buf_done(&b);
	*ret = s;
	return 0;
}

void
pgt_script_free(struct pgt_script *s)
{
	if (!s)
		return;
	free(s->text);
	free(s->path);
	free(s);
}

static bool
shows(const char *what)
{
	char *screen = pgt_screen_text();
	bool found = strstr(screen, what) != NULL;

	free(screen);
	return found;
}

static void
next_line(struct pgt_script *s)
{
	s->at += strcspn(s->at, "\n");
	if (*s->at)
		s->at++;
	s->line++;
	s->deadline_ns = 0;
}

static char *
line_text(const struct pgt_script *s, size_t skip)
{
	return pgt_xstrndup(s->at + skip, strcspn(s->at, "\n") - skip);
}

static int
do_wait(struct pgt_script *s, bool wanted, int64_t *ret_wakeup_ns, struct pgt_err *err)
{
	int64_t now = pgt_clock_mono_ns();
	char *what = line_text(s, 5);
	bool met = shows(what) == wanted;
	int rc = 1;

	if (s->deadline_ns == 0)
		s->deadline_ns = now + WAIT_NS;
	if (met) {
		next_line(s);
		rc = 0;
	} else if (now >= s->deadline_ns) {
		rc = pgt_err_set(err, PGT_E_TIMEOUT, "%s:%d: \"%.100s\" %s within 30 s",
				 s->path, s->line, what,
				 wanted ? "did not appear" : "did not go away");
	}
	*ret_wakeup_ns = now + LOOK_AGAIN_NS;
	free(what);
	return rc;
}

static int
do_pause(struct pgt_script *s, int64_t *ret_wakeup_ns, struct pgt_err *err)
{
	int64_t now = pgt_clock_mono_ns(), ns;
	char *text;
	int rc;

	if (s->deadline_ns == 0) {
		text = line_text(s, 6);
		rc = pgt_parse_duration(text, &ns, err);
		free(text);
		if (rc < 0)
			return -1;
		s->deadline_ns = now + ns;
	}
	if (now >= s->deadline_ns) {
		next_line(s);
		return 0;
	}
	*ret_wakeup_ns = s->deadline_ns;
	return 1;
}

static int
do_resize(struct pgt_script *s, struct pgt_ui *ui, struct pgt_err *err)
{
	int rows, cols;

	if (sscanf(s->at, "resize %dx%d", &cols, &rows) != 2 || rows < 1 || cols < 1 ||
	    rows > 500 || cols > 1000)
		return pgt_err_set(err, PGT_E_USAGE, "%s:%d: resize COLSxROWS", s->path,
				   s->line);
	pgt_screen_set_size(rows, cols);
	pgt_dialog_resize(ui);
	ui->dirty = true;
	next_line(s);
	return 0;
}

static int
do_dump(struct pgt_script *s, struct pgt_err *err)
{
	char *path = line_text(s, 5), *screen = pgt_screen_text();
	int rc = pgt_file_replace(path, screen, strlen(screen), 0644, err);

	free(path);
	free(screen);
	if (rc == 0)
		next_line(s);
	return rc;
}

int
pgt_script_step(struct pgt_script *s, struct pgt_ui *ui, int64_t *ret_wakeup_ns,
		struct pgt_err *err)
{
	size_t len;
	int key;

	while (*s->at == '#' || *s->at == '\n')
		next_line(s);
	if (!*s->at)
		return 2;
	if (pgt_str_starts(s->at, "wait "))
		return do_wait(s, true, ret_wakeup_ns, err);
	if (pgt_str_starts(s->at, "gone "))
		return do_wait(s, false, ret_wakeup_ns, err);
	if (pgt_str_starts(s->at, "pause "))
		return do_pause(s, ret_wakeup_ns, err);
	if (pgt_str_starts(s->at, "resize "))
		return do_resize(s, ui, err);
	if (pgt_str_starts(s->at, "dump "))
		return do_dump(s, err);
	if (ui->jobs > 0 || ui->child) { /* an answer is on its way */
		*ret_wakeup_ns = pgt_clock_mono_ns() + LOOK_AGAIN_NS;
		return 1;
	}
	key = pgt_key_parse(s->at, &len);
	if (key == PGT_KEY_NONE)
		return pgt_err_set(err, PGT_E_PARSE, "%s:%d: not a key", s->path,
				   s->line);
	s->at += len;
	if (*s->at == '\n') {
		s->at++;
		s->line++;
	}
	pgt_ui_key(ui, key, NULL);
	return 0;
}
