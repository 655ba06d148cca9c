#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <langinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#define NCURSES_NOMACROS
#include <curses.h>
#include <term.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/signals.h"
#include "screen_priv.h"

static struct {
	SCREEN *scr;
	bool open, own, left, ascii, mouse;
	int in_fd, out_fd, signal_fd;
	enum pgt_depth depth;
	struct pgt_theme theme;
	attr_t attr[PGT_ROLE_N][2];
	short pair[PGT_ROLE_N][2];
	int cursor_y, cursor_x;
	sigset_t old_mask;
	pthread_t main_thread;
	/* for the crash hook: prepared, so that it only calls write and tcsetattr */
	struct termios saved;
	bool have_saved;
	char restore[256];
	size_t restore_len;
	int n_empty;
} scr = {.in_fd = -1, .out_fd = -1, .signal_fd = -1};

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
static const int taken_signals[] = {SIGINT,   SIGTERM, SIGHUP,  SIGQUIT,
				    SIGWINCH, SIGTSTP, SIGCONT, SIGCHLD};

/* ---- giving the terminal back ---- */

/* Async-signal-safe. */
static void
restore_terminal(void)
{
	ssize_t n;

	if (!scr.open || !scr.own || scr.left)
		return;
	scr.left = true;
	n = write(scr.out_fd, scr.restore, scr.restore_len);
	(void)n;
	if (scr.have_saved)
		tcsetattr(scr.in_fd, TCSANOW, &scr.saved);
}

static void
on_fatal(int sig)
{
	restore_terminal();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void
add_restore(const char *s)
{
	size_t n = s && s != (char *)-1 ? strlen(s) : 0;

	if (n && scr.restore_len + n < sizeof(scr.restore)) {
		memcpy(scr.restore + scr.restore_len, s, n);
		scr.restore_len += n;
	}
}

static void
prepare_restore(void)
{
	static char stack[1 << 14]; /* a crash may be a stack overflow */
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction sa = {.sa_handler = on_fatal,
			       .sa_flags = SA_ONSTACK | SA_RESETHAND};

	scr.restore_len = 0;
	if (scr.mouse)
		add_restore("\033[?1000l\033[?1002l\033[?1003l\033[?1006l");
	add_restore(tigetstr("sgr0"));
	add_restore(tigetstr("op"));
	add_restore(tigetstr("rmkx"));
	add_restore(tigetstr("cnorm"));
	add_restore(tigetstr("rmcup"));
	sigaltstack(&ss, NULL);
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < PGT_LEN(fatal_signals); i++)
		sigaction(fatal_signals[i], &sa, NULL);
	pgt_mem_on_abort(restore_terminal);
}

static int
take_signals(struct pgt_err *err)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < PGT_LEN(taken_signals); i++)
		sigaddset(&set, taken_signals[i]);
	scr.main_thread = pthread_self();
	sigprocmask(SIG_BLOCK, &set, &scr.old_mask);
	signal(SIGPIPE, SIG_IGN);
	scr.signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (scr.signal_fd < 0)
		return pgt_err_set(err, PGT_E_IO, "signalfd: %s", pgt_strerror(errno));
	return 0;
}

/* ---- open and close ---- */

static void
setup_colors(bool no_color)
{
	const char *env = getenv("NO_COLOR");

	scr.depth = PGT_DEPTH_MONO;
	if (no_color || (env && *env) || !has_colors())
		return;
	start_color();
	if (use_default_colors() != OK)
		assume_default_colors(COLOR_WHITE, COLOR_BLACK);
	scr.depth = COLORS >= 256 ? PGT_DEPTH_256 : PGT_DEPTH_16;
}

static void
setup_input(void)
{
	cbreak();
	noecho();
	nonl();
	set_escdelay(25);
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	meta(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	leaveok(stdscr, FALSE);
	curs_set(0);
	if (scr.mouse) {
		mousemask(BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON1_DOUBLE_CLICKED |
			      BUTTON4_PRESSED | BUTTON5_PRESSED,
			  NULL);
		mouseinterval(0);
	}
}

int
pgt_screen_open(const struct pgt_screen_opts *o, struct pgt_err *err)
{
	setlocale(LC_CTYPE, "");
	/* A forgotten LANG must not cost the lines and blocks: terminals are UTF-8. */
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0 && !getenv("LC_ALL") &&
	    !getenv("LC_CTYPE") && !getenv("LANG"))
		setlocale(LC_CTYPE, "C.UTF-8");
	scr.ascii = o->ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	if (o->own && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)))
		return pgt_err_set(
		    err, PGT_E_USAGE,
		    "the console needs a terminal; --batch N prints samples "
		    "instead");
	scr.own = o->own;
	scr.left = false;
	scr.mouse = o->mouse;
	scr.in_fd = fileno(o->in ? o->in : stdin);
	scr.out_fd = fileno(o->out ? o->out : stdout);
	scr.cursor_y = -1;
	scr.n_empty = 0;
	scr.have_saved = tcgetattr(scr.in_fd, &scr.saved) == 0;
	if (o->own && take_signals(err) < 0)
		return -1;
	scr.scr = newterm(o->term, o->out ? o->out : stdout, o->in ? o->in : stdin);
	if (!scr.scr) {
		if (scr.signal_fd >= 0)
			close(scr.signal_fd);
		scr.signal_fd = -1;
		return pgt_err_set(err, PGT_E_IO,
				   "terminal type \"%s\" is not known here: set TERM",
				   o->term          ? o->term
				   : getenv("TERM") ? getenv("TERM")
						    : "");
	}
	scr.open = true;
	setup_input();
	setup_colors(o->no_color);
	if (o->own) {
		prepare_restore();
		/* over the handlers that newterm() installed */
		pgt_signals_forward(taken_signals, PGT_LEN(taken_signals), true);
	}
	return 0;
}

void
pgt_screen_close(void)
{
	if (!scr.open)
		return;
	if (!scr.left)
		endwin();
	scr.open = false;
	delscreen(scr.scr);
	scr.scr = NULL;
	if (!scr.own)
		return;
	pgt_mem_on_abort(NULL);
	pgt_signals_forward(taken_signals, PGT_LEN(taken_signals), false);
	for (size_t i = 0; i < PGT_LEN(fatal_signals); i++)
		signal(fatal_signals[i], SIG_DFL);
	close(scr.signal_fd);
	scr.signal_fd = -1;
	/* curses restores what it saw; this also holds if the line went away meanwhile */
	if (scr.have_saved)
		tcsetattr(scr.in_fd, TCSADRAIN, &scr.saved);
	sigprocmask(SIG_SETMASK, &scr.old_mask, NULL);
}

/* ---- looks ---- */

static attr_t
to_attr(unsigned look)
{
	attr_t a = A_NORMAL;

	if (look & PGT_LOOK_BOLD)
		a |= A_BOLD;
	if (look & PGT_LOOK_DIM)
		a |= A_DIM;
	if (look & PGT_LOOK_REVERSE)
		a |= A_REVERSE;
	if (look & PGT_LOOK_UNDERLINE)
		a |= A_UNDERLINE;
	return a;
}

static void
make_pair(enum pgt_role role, int selected, short pair)
{
	struct pgt_look l = scr.theme.look[role][scr.depth];

	if (selected && scr.theme.selected_bg[scr.depth] >= 0) {
		l.bg = scr.theme.selected_bg[scr.depth];
		if (scr.theme.selected_fg[scr.depth] >= 0)
			l.fg = scr.theme.selected_fg[scr.depth];
	} else if (selected) {
		l.attr |= PGT_LOOK_REVERSE;
	}
	if (COLORS <= 8 && l.fg == 8 && l.bg < 0) {
		/* bold black is black on black where bold is not also bright */
		l.fg = -1;
		l.attr |= PGT_LOOK_DIM;
	} else if (COLORS <= 8 && l.fg == 12 && l.bg < 0) {
		l.fg = 6; /* likewise, dark blue is hardly seen on black */
	} else if (COLORS <= 8 && l.fg >= 8) {
		l.fg -= 8;
		l.attr |= PGT_LOOK_BOLD;
	}
	if (COLORS <= 8 && l.bg >= 8)
		l.bg -= 8;
	init_pair(pair, (short)l.fg, (short)l.bg);
	scr.attr[role][selected] = to_attr(l.attr);
	scr.pair[role][selected] = pair;
}

void
pgt_screen_set_theme(const struct pgt_theme *t)
{
	/* CDK's colours, were they ever switched on, rewrite the pairs below 64. */
	short base = COLOR_PAIRS >= 64 + 2 * PGT_ROLE_N ? 64 : 1;

	scr.theme = *t;
	for (int r = 0; r < PGT_ROLE_N; r++)
		for (int s = 0; s < 2; s++) {
			if (scr.depth != PGT_DEPTH_MONO) {
				make_pair((enum pgt_role)r, s, (short)(base + 2 * r + s));
				continue;
			}
			scr.pair[r][s] = 0;
			scr.attr[r][s] = to_attr(t->look[r][0].attr) |
					 (s ? A_REVERSE : 0);
		}
	if (scr.depth != PGT_DEPTH_MONO)
		wbkgdset(stdscr, ' ' | (chtype)COLOR_PAIR(scr.pair[PGT_ROLE_TEXT][0]));
}

void
pgt_screen_style(enum pgt_role role, bool selected)
{
	wattr_set(stdscr, scr.attr[role][selected], scr.pair[role][selected], NULL);
}

unsigned long
pgt_screen_chtype(enum pgt_role role)
{
	return (unsigned long)(scr.attr[role][0] | (attr_t)COLOR_PAIR(scr.pair[role][0]));
}

bool
pgt_screen_ascii(void)
{
	return scr.ascii;
}

enum pgt_depth
pgt_screen_depth(void)
{
	return scr.depth;
}

/* ---- size ---- */

int
pgt_screen_rows(void)
{
	return LINES;
}

int
pgt_screen_cols(void)
{
	return COLS;
}

void
pgt_screen_set_size(int rows, int cols)
{
	if (rows < 1)
		rows = 1;
	if (cols < 1)
		cols = 1;
	if (is_term_resized(rows, cols))
		resizeterm(rows, cols);
	/* What curses thinks is on the glass may have been moved by the terminal. */
	clearok(curscr, TRUE);
}

bool
pgt_screen_follow_size(void)
{
	struct winsize ws;

	if (ioctl(scr.out_fd, TIOCGWINSZ, &ws) < 0 || ws.ws_row == 0 || ws.ws_col == 0)
		return false;
	if (ws.ws_row == LINES && ws.ws_col == COLS)
		return false;
	pgt_screen_set_size(ws.ws_row, ws.ws_col);
	return true;
}

/* ---- input ---- */

static int
map_key(int code, struct pgt_mouse *m)
{
	MEVENT ev;

	switch (code) {
	case KEY_UP:
		return PGT_KEY_UP;
	case KEY_DOWN:
		return PGT_KEY_DOWN;
	case KEY_LEFT:
		return PGT_KEY_LEFT;
	case KEY_RIGHT:
		return PGT_KEY_RIGHT;
	case KEY_HOME:
	case KEY_FIND:
		return PGT_KEY_HOME;
	case KEY_END:
	case KEY_SELECT:
		return PGT_KEY_END;
	case KEY_PPAGE:
		return PGT_KEY_PGUP;
	case KEY_NPAGE:
		return PGT_KEY_PGDN;
	case KEY_BTAB:
		return PGT_KEY_BACKTAB;
	case KEY_BACKSPACE:
		return PGT_KEY_BACKSPACE;
	case KEY_DC:
		return PGT_KEY_DELETE;
	case KEY_ENTER:
		return PGT_KEY_ENTER;
	case KEY_MOUSE:
		if (getmouse(&ev) != OK)
			return PGT_KEY_NONE;
		m->y = ev.y;
		m->x = ev.x;
		m->action = ev.bstate & BUTTON4_PRESSED          ? PGT_MOUSE_UP
			    : ev.bstate & BUTTON5_PRESSED        ? PGT_MOUSE_DOWN
			    : ev.bstate & BUTTON1_DOUBLE_CLICKED ? PGT_MOUSE_DOUBLE
								 : PGT_MOUSE_PRESS;
		return PGT_KEY_MOUSE;
	}
	if (code >= KEY_F(1) && code <= KEY_F(10))
		return PGT_KEY_F1 + code - KEY_F(1);
	return PGT_KEY_NONE;
}

int
pgt_screen_key(struct pgt_mouse *m)
{
	wint_t wc;
	int rc, key;

	/* What has no meaning here, or tells of a resize, hides no key behind it. */
	while ((rc = wget_wch(stdscr, &wc)) == KEY_CODE_YES)
		if ((key = map_key((int)wc, m)) != PGT_KEY_NONE)
			return key;
	if (rc == ERR)
		return PGT_KEY_NONE;
	if (wc == '\r')
		return PGT_KEY_ENTER;
	if (wc == 127 || wc == 8)
		return PGT_KEY_BACKSPACE;
	return (int)wc;
}

int
pgt_screen_in_fd(void)
{
	return scr.in_fd;
}

int
pgt_screen_signal_fd(void)
{
	return scr.signal_fd;
}

int
pgt_screen_signal(void)
{
	struct signalfd_siginfo si;

	if (scr.signal_fd < 0 || read(scr.signal_fd, &si, sizeof(si)) != sizeof(si))
		return 0;
	return (int)si.ssi_signo;
}

/* ---- frames ---- */

void
pgt_screen_begin(void)
{
	wattr_set(stdscr, A_NORMAL, 0, NULL);
	werase(stdscr);
	scr.cursor_y = -1;
}

void
pgt_screen_end(void)
{
	wnoutrefresh(stdscr);
}

void
pgt_screen_flush(void)
{
	if (scr.left)
		return;
	if (scr.cursor_y >= 0) {
		curs_set(1);
		wmove(newscr, scr.cursor_y, scr.cursor_x);
	} else {
		curs_set(0);
	}
	doupdate();
}

void
pgt_screen_cursor(int y, int x)
{
	scr.cursor_y = y;
	scr.cursor_x = x;
}

void
pgt_screen_repaint(void)
{
	clearok(curscr, TRUE);
}

/* ---- beyond curses ---- */

void
pgt_screen_leave(void)
{
	endwin();
	scr.left = true;
}

void
pgt_screen_return(void)
{
	scr.left = false;
	reset_prog_mode();
	pgt_screen_follow_size();
	clearok(curscr, TRUE);
	wrefresh(stdscr);
}

void
pgt_screen_suspend(void)
{
	pgt_screen_leave();
	kill(getpid(), SIGSTOP);
	pgt_screen_return();
}

void
pgt_screen_bell(void)
{
	beep();
}

static void
write_all(const char *s, size_t n)
{
	while (n) {
		ssize_t w = write(scr.out_fd, s, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return;
		s += w;
		n -= (size_t)w;
	}
}

bool
pgt_screen_copy(const char *text)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = strlen(text);
	struct pgt_buf b;

	/* Terminals cap the sequence; xterm's own bound is near 100 kB. */
	if (n > 70000)
		return false;
	pgt_buf_init(&b, 100000);
	pgt_buf_puts(&b, "\033]52;c;");
	for (size_t i = 0; i < n; i += 3) {
		unsigned v = (unsigned)(unsigned char)text[i] << 16;

		if (i + 1 < n)
			v |= (unsigned)(unsigned char)text[i + 1] << 8;
		if (i + 2 < n)
			v |= (unsigned char)text[i + 2];
		pgt_buf_putc(&b, digits[v >> 18]);
		pgt_buf_putc(&b, digits[v >> 12 & 63]);
		pgt_buf_putc(&b, i + 1 < n ? digits[v >> 6 & 63] : '=');
		pgt_buf_putc(&b, i + 2 < n ? digits[v & 63] : '=');
	}
	pgt_buf_puts(&b, "\033\\");
	write_all(pgt_buf_str(&b), b.len);
	pgt_buf_done(&b);
	return true;
}
