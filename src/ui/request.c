#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "pg2une/base/mem.h"
#include "request_priv.h"

static const struct pgt_request_info infos[] = {
#define INFO(id, key, key2, name, group, hint, help)                                     \
	{PGT_REQ_##id, key, key2, name, PGT_GROUP_##group, hint, help},
    PGT_REQUESTS(INFO)
#undef INFO
};

const char *const pgt_group_names[PGT_GROUP_N] = {
    [PGT_GROUP_SCREENS] = "Screens",
    [PGT_GROUP_MOVE] = "Moving",
    [PGT_GROUP_LOOK] = "Looking",
    [PGT_GROUP_DO] = "Doing (nothing changes)",
    [PGT_GROUP_CHANGE] = "Changing (each asks first)",
    [PGT_GROUP_GENERAL] = "General",
};

static const struct {
	const char *name;
	int key;
} names[] = {
    {"Enter", PGT_KEY_ENTER}, {"Esc", PGT_KEY_ESC},
    {"Tab", PGT_KEY_TAB},     {"S-Tab", PGT_KEY_BACKTAB},
    {"Space", ' '},           {"Up", PGT_KEY_UP},
    {"Down", PGT_KEY_DOWN},   {"Left", PGT_KEY_LEFT},
    {"Right", PGT_KEY_RIGHT}, {"Home", PGT_KEY_HOME},
    {"End", PGT_KEY_END},     {"PgUp", PGT_KEY_PGUP},
    {"PgDn", PGT_KEY_PGDN},   {"BS", PGT_KEY_BACKSPACE},
    {"Del", PGT_KEY_DELETE},  {"lt", '<'},
};

const struct pgt_request_info *
pgt_request_info(enum pgt_request r)
{
	return r > PGT_REQ_NONE && r < PGT_REQ_N ? &infos[r - 1] : NULL;
}

enum pgt_request
pgt_request_of_key(int key)
{
	for (size_t i = 0; key && i < PGT_LEN(infos); i++)
		if (infos[i].key == key || infos[i].key2 == key)
			return infos[i].request;
	return PGT_REQ_NONE;
}

enum pgt_request
pgt_request_of_name(const char *name)
{
	for (size_t i = 0; i < PGT_LEN(infos); i++)
		if (strcmp(infos[i].name, name) == 0)
			return infos[i].request;
	return PGT_REQ_NONE;
}

char *
pgt_key_name(int key, char *buf, size_t size)
{
	for (size_t i = 0; i + 1 < PGT_LEN(names); i++)
		if (names[i].key == key) {
			snprintf(buf, size, "%s", names[i].name);
			return buf;
		}
	if (key >= PGT_KEY_F1 && key <= PGT_KEY_F10)
		snprintf(buf, size, "F%d", key - PGT_KEY_F1 + 1);
	else if (key > 0 && key < 32)
		snprintf(buf, size, "Ctrl-%c", key + 64);
	else
		snprintf(buf, size, "%c", key);
	return buf;
}

static int
parse_named(const char *s, size_t len)
{
	for (size_t i = 0; i < PGT_LEN(names); i++)
		if (strlen(names[i].name) == len && memcmp(names[i].name, s, len) == 0)
			return names[i].key;
	if (len >= 2 && len <= 3 && s[0] == 'F' && s[1] >= '1' && s[1] <= '9')
		return len == 2                     ? PGT_KEY_F1 + s[1] - '1'
		       : s[1] == '1' && s[2] == '0' ? PGT_KEY_F10
						    : PGT_KEY_NONE;
	if (len == 3 && s[0] == 'C' && s[1] == '-' && s[2] >= 'a' && s[2] <= 'z')
		return s[2] - 'a' + 1;
	return PGT_KEY_NONE;
}

int
pgt_key_parse(const char *s, size_t *ret_len)
{
	const char *end;
	mbstate_t st;
	wchar_t wc;
	size_t n;

	if (*s == '<' && (end = strchr(s, '>')) != NULL) {
		int key = parse_named(s + 1, (size_t)(end - s - 1));

		if (key != PGT_KEY_NONE) {
			*ret_len = (size_t)(end - s) + 1;
			return key;
		}
	}
	memset(&st, 0, sizeof(st));
	n = mbrtowc(&wc, s, strlen(s), &st);
	if (n == 0 || n == (size_t)-1 || n == (size_t)-2)
		return PGT_KEY_NONE;
	*ret_len = n;
	return (int)wc;
}
