#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/assets.h"
#include "theme_priv.h"

const char *const pgt_role_names[PGT_ROLE_N] = {
#define NAME(id, name, mono) [PGT_ROLE_##id] = name,
    PGT_ROLES(NAME)
#undef NAME
};

static const unsigned mono_attrs[PGT_ROLE_N] = {
#define MONO(id, name, mono) [PGT_ROLE_##id] = mono,
    PGT_ROLES(MONO)
#undef MONO
};

static const char *const color_names[8] = {"black", "red",     "green", "yellow",
					   "blue",  "magenta", "cyan",  "white"};

/* xterm's palette: 16 system colours, a 6x6x6 cube, 24 greys. */
static void
rgb_of(int color, int *r, int *g, int *b)
{
	static const int system[16] = {0x000000, 0xcd0000, 0x00cd00, 0xcdcd00,
				       0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
				       0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00,
				       0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff};
	static const int level[6] = {0, 95, 135, 175, 215, 255};

	if (color < 16) {
		*r = system[color] >> 16;
		*g = system[color] >> 8 & 255;
		*b = system[color] & 255;
	} else if (color < 232) {
		*r = level[(color - 16) / 36];
		*g = level[(color - 16) / 6 % 6];
		*b = level[(color - 16) % 6];
	} else {
		*r = *g = *b = 8 + (color - 232) * 10;
	}
}

static int
nearest(int r, int g, int b, int first, int last)
{
	int best = first, best_d = -1;

	for (int c = first; c <= last; c++) {
		int cr, cg, cb, d;

		rgb_of(c, &cr, &cg, &cb);
		d = (r - cr) * (r - cr) * 3 + (g - cg) * (g - cg) * 4 +
		    (b - cb) * (b - cb) * 2;
		if (best_d < 0 || d < best_d) {
			best = c;
			best_d = d;
		}
	}
	return best;
}

int
pgt_theme_to16(int color)
{
	int r, g, b;

	if (color < 16)
		return color;
	rgb_of(color, &r, &g, &b);
	return nearest(r, g, b, 0, 15);
}

static bool
parse_rgb(const char *w, int *ret)
{
	char *end;
	unsigned long v;

	if (strlen(w) != 7)
		return false;
	v = strtoul(w + 1, &end, 16);
	if (*end)
		return false;
	*ret = nearest((int)(v >> 16 & 255), (int)(v >> 8 & 255), (int)(v & 255), 16,
		       255);
	return true;
}

static bool
parse_color(const char *w, int *ret)
{
	int bright = 0;
	int64_t n;

	if (strcmp(w, "default") == 0)
		return *ret = -1, true;
	if (*w == '#')
		return parse_rgb(w, ret);
	if (pgt_parse_i64(w, &n)) {
		if (n < 0 || n > 255)
			return false;
		return *ret = (int)n, true;
	}
	if (strncmp(w, "bright", 6) == 0) {
		bright = 8;
		w += 6;
	}
	for (int i = 0; i < 8; i++)
		if (strcmp(w, color_names[i]) == 0)
			return *ret = i + bright, true;
	return false;
}

static bool
parse_attr(const char *w, unsigned *attr)
{
	static const char *const names[] = {"bold", "dim", "reverse", "underline"};

	for (unsigned i = 0; i < PGT_LEN(names); i++)
		if (strcmp(w, names[i]) == 0)
			return *attr |= 1u << i, true;
	return false;
}

/* One look; NULL when fine, else the word that is wrong. */
static const char *
parse_look(char *text, struct pgt_look *ret)
{
	struct pgt_look look = {-1, -1, 0};
	char *save, *w;
	bool on = false, fg = false, bg = false;

	for (w = strtok_r(text, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
		if (strcmp(w, "on") == 0 && !on && !bg) {
			on = true;
		} else if (on) {
			if (!parse_color(w, &look.bg))
				return w;
			on = false;
			bg = true;
		} else if (!parse_attr(w, &look.attr)) {
			if (fg || !parse_color(w, &look.fg))
				return w;
			fg = true;
		}
	}
	if (on)
		return "on";
	*ret = look;
	return NULL;
}

static struct pgt_look
derive16(struct pgt_look l)
{
	if (l.fg >= 0)
		l.fg = pgt_theme_to16(l.fg);
	if (l.bg >= 0)
		l.bg = pgt_theme_to16(l.bg);
	return l;
}

static void
set_role(struct pgt_theme *t, const char *name, const struct pgt_look look[3], bool *ok)
{
	*ok = true;
	if (strcmp(name, "selected") == 0) {
		for (int d = 0; d < 3; d++) {
			t->selected_bg[d] = look[d].bg;
			t->selected_fg[d] = look[d].fg;
		}
		return;
	}
	for (int r = 0; r < PGT_ROLE_N; r++)
		if (strcmp(name, pgt_role_names[r]) == 0) {
			memcpy(t->look[r], look, sizeof(t->look[r]));
			return;
		}
	*ok = false;
}

static const char *
trim(char *s)
{
	size_t n;

	while (isblank((unsigned char)*s))
		s++;
	n = strlen(s);
	while (n && (isblank((unsigned char)s[n - 1]) || s[n - 1] == '\r'))
		s[--n] = '\0';
	return s;
}

static int
parse_line(struct pgt_theme *t, char *line, const char *what, int no, struct pgt_err *err)
{
	struct pgt_look look[3] = {{-1, -1, 0}, {-1, -1, 0}, {-1, -1, 0}};
	char *eq, *part[3] = {NULL, NULL, NULL};
	const char *name, *bad;
	bool ok;

	if (*trim(line) == '#' || !*trim(line))
		return 0;
	eq = strchr(line, '=');
	if (!eq)
		return pgt_err_set(err, PGT_E_PARSE, "%s:%d: no \"=\"", what, no);
	*eq = '\0';
	name = trim(line);
	part[0] = eq + 1;
	for (int i = 1; i < 3 && part[i - 1]; i++) {
		part[i] = strchr(part[i - 1], '|');
		if (part[i])
			*part[i]++ = '\0';
	}
	for (int i = 0; i < 3; i++) {
		/* the file's order is 256, 16, mono; look[] goes by depth */
		bad = part[i] ? parse_look(part[i], &look[2 - i]) : NULL;
		if (bad)
			return pgt_err_set(err, PGT_E_PARSE,
					   "%s:%d: \"%.40s\" is no colour or attribute",
					   what, no, bad);
	}
	if (!part[1])
		look[PGT_DEPTH_16] = derive16(look[PGT_DEPTH_256]);
	if (!part[2])
		for (int r = 0; r < PGT_ROLE_N; r++)
			if (strcmp(name, pgt_role_names[r]) == 0)
				look[PGT_DEPTH_MONO].attr = mono_attrs[r];
	look[PGT_DEPTH_MONO].fg = look[PGT_DEPTH_MONO].bg = -1;
	set_role(t, name, look, &ok);
	if (!ok)
		return pgt_err_set(err, PGT_E_PARSE, "%s:%d: unknown role \"%.40s\"",
				   what, no, name);
	return 0;
}

int
pgt_theme_parse(const char *text, const char *what, struct pgt_theme *ret,
		struct pgt_err *err)
{
	struct pgt_theme t = {.selected_bg = {-1, -1, -1}, .selected_fg = {-1, -1, -1}};
	char line[512];
	int no = 0;

	for (int r = 0; r < PGT_ROLE_N; r++)
		for (int d = 0; d < 3; d++)
			t.look[r][d] = (struct pgt_look){-1, -1, d ? 0 : mono_attrs[r]};
	while (*text) {
		size_t n = strcspn(text, "\n");

		no++;
		if (n >= sizeof(line))
			return pgt_err_set(err, PGT_E_PARSE, "%s:%d: line too long", what,
					   no);
		memcpy(line, text, n);
		line[n] = '\0';
		text += n + (text[n] == '\n');
		if (parse_line(&t, line, what, no, err) < 0)
			return -1;
	}
	*ret = t;
	return 0;
}

const char *
pgt_theme_name_at(int i, char *buf, int size)
{
	const char *path;

	for (size_t at = 0; pgt_asset_at(at, &path); at++) {
		const char *dot = strrchr(path, '.');

		if (strncmp(path, "themes/", 7) != 0 || !dot || i-- > 0)
			continue;
		snprintf(buf, (size_t)size, "%.*s", (int)(dot - path - 7), path + 7);
		return buf;
	}
	return NULL;
}

static int
not_found(const char *name, struct pgt_err *err)
{
	char list[300] = "", one[64];

	for (int i = 0; pgt_theme_name_at(i, one, sizeof(one)); i++) {
		size_t n = strlen(list);

		snprintf(list + n, sizeof(list) - n, " %s", one);
	}
	return pgt_err_set(err, PGT_E_NOTFOUND, "no theme \"%.60s\"; there are:%s", name,
			   list);
}

int
pgt_theme_load(const char *name, struct pgt_theme *ret, struct pgt_err *err)
{
	char *dir, *path;
	const char *text;
	struct pgt_buf file;
	struct pgt_theme t;
	int rc;

	/* A name, never a path: the word may come from a shared configuration. */
	if (!*name || strchr(name, '/') || *name == '.')
		return not_found(name, err);
	dir = pgt_file_config_dir();
	path = pgt_xasprintf("%s/themes/%s.theme", dir, name);
	pgt_buf_init(&file, 64 << 10);
	if (pgt_file_read(path, &file, NULL) == 0) {
		rc = pgt_theme_parse(pgt_buf_str(&file), path, &t, err);
	} else {
		char *asset = pgt_xasprintf("themes/%s.theme", name);

		text = pgt_asset(asset);
		rc = text ? pgt_theme_parse(text, asset, &t, err) : not_found(name, err);
		free(asset);
	}
	pgt_buf_done(&file);
	free(path);
	free(dir);
	if (rc < 0)
		return -1;
	snprintf(t.name, sizeof(t.name), "%s", name);
	*ret = t;
	return 0;
}
