/* Everything a user can ask for: the one list behind the key map, the help
 * screen, the palette and the hints.  Lower-case keys never change the server.
 *
 * X(id, key, second key, name in the palette, group, hint, help) */
#ifndef PG2UNE_UI_REQUEST_PRIV_H
#define PG2UNE_UI_REQUEST_PRIV_H

#include <stdbool.h>
#include <stddef.h>

#include "screen_priv.h"

#define PGT_REQUESTS(X)                                                                  \
	X(OVERVIEW, '1', 0, "overview", SCREENS, "overview", "everything at a glance")   \
	X(ACTIVITY, '2', 0, "activity", SCREENS, "activity",                             \
	  "sessions: what each one does")                                                \
	X(LOCKS, '3', 0, "locks", SCREENS, "locks",                                      \
	  "who blocks whom, root blockers first")                                        \
	X(QUERIES, '4', 0, "queries", SCREENS, "queries",                                \
	  "statements by time in the window")                                            \
	X(WAITS, '5', 0, "waits", SCREENS, "waits", "what sessions wait for")            \
	X(IO, '6', 0, "io", SCREENS, "i/o", "WAL, checkpoints, reads and writes")        \
	X(REPLICATION, '7', 0, "replication", SCREENS, "replication",                    \
	  "standbys, slots, what holds back vacuum")                                     \
	X(TABLES, '8', 0, "tables", SCREENS, "tables", "tables, indexes, vacuum")        \
	X(HOST, '9', 0, "host", SCREENS, "host", "the machine, databases, own cost")     \
	X(HISTORY, '0', 0, "history", SCREENS, "history",                                \
	  "hours and weeks back, with alerts and changes")                               \
	X(ALERTS, 'a', 0, "alerts", SCREENS, "alerts",                                   \
	  "what is wrong, with cause and proof")                                         \
	X(ADVICE, 'r', 0, "recommendations", SCREENS, "advice",                          \
	  "what to change, ranked")                                                      \
	X(CHANGES, 'c', 0, "changes", SCREENS, "changes",                                \
	  "the change under way, and earlier ones")                                      \
	X(OPTIMIZER, 'o', 0, "optimizer", SCREENS, "optimizer",                          \
	  "the search for better settings")                                              \
	X(ROLLOUT, 't', 0, "rollout", SCREENS, "rollout",                                \
	  "traffic to a canary, step by step")                                           \
	X(NEXT, PGT_KEY_TAB, 0, "next-panel", MOVE, "", "focus the next panel")          \
	X(PREV, PGT_KEY_BACKTAB, 0, "previous-panel", MOVE, "",                          \
	  "focus the panel before")                                                      \
	X(UP, PGT_KEY_UP, 'k', "up", MOVE, "", "up")                                     \
	X(DOWN, PGT_KEY_DOWN, 'j', "down", MOVE, "", "down")                             \
	X(LEFT, PGT_KEY_LEFT, 'h', "left", MOVE, "", "scroll to earlier columns")        \
	X(RIGHT, PGT_KEY_RIGHT, 'l', "right", MOVE, "",                                  \
	  "scroll to further columns and text")                                          \
	X(PAGE_UP, PGT_KEY_PGUP, 2, "page-up", MOVE, "", "a page up (also Ctrl-B)")      \
	X(PAGE_DOWN, PGT_KEY_PGDN, 6, "page-down", MOVE, "",                             \
	  "a page down (also Ctrl-F)")                                                   \
	X(FIRST, 'g', PGT_KEY_HOME, "first", MOVE, "", "to the first row")               \
	X(LAST, 'G', PGT_KEY_END, "last", MOVE, "", "to the last row")                   \
	X(OPEN, PGT_KEY_ENTER, 0, "open", MOVE, "open", "details of the row")            \
	X(BACK, PGT_KEY_ESC, 0, "back", MOVE, "back",                                    \
	  "back; out of a zoom, a filter, a page")                                       \
	X(ZOOM, 'z', 0, "zoom", LOOK, "zoom", "the panel on the whole screen, and back") \
	X(SORT_PREV, '<', 0, "sort-previous", LOOK, "", "sort by the column before")     \
	X(SORT_NEXT, '>', 0, "sort-next", LOOK, "", "sort by the next column")           \
	X(SORT_MENU, 's', 0, "sort", LOOK, "sort", "choose the column to sort by")       \
	X(REVERSE, 'v', 0, "reverse", LOOK, "", "turn the order round")                  \
	X(FILTER, 'f', 0, "filter", LOOK, "filter",                                      \
	  "keep rows that match a regular expression; a leading ! inverts")              \
	X(SEARCH, '/', 0, "search", LOOK, "search", "search with a regular expression")  \
	X(FIND_NEXT, 'n', 0, "find-next", LOOK, "", "next match")                        \
	X(FIND_PREV, 'N', 0, "find-previous", LOOK, "", "match before")                  \
	X(TAG, ' ', 0, "tag", LOOK, "", "tag the row")                                   \
	X(PAUSE, 'p', 0, "pause", LOOK, "pause",                                         \
	  "hold the picture and the sampling, and go on")                                \
	X(SLOWER, '+', '=', "slower", LOOK, "", "longer interval between samples")       \
	X(FASTER, '-', 0, "faster", LOOK, "", "shorter interval")                        \
	X(SOURCE, 'w', 0, "source", LOOK, "source",                                      \
	  "where the numbers come from: view, method, error")                            \
	X(EXPLAIN, 'e', 0, "explain", DO, "explain",                                     \
	  "plan of the statement; it is not executed")                                   \
	X(WHATIF, 'x', 0, "what-if", DO, "what if",                                      \
	  "what ending this session would set free")                                     \
	X(COPY, 'y', 0, "copy", DO, "copy",                                              \
	  "copy the row or page to the clipboard (OSC 52)")                              \
	X(DISMISS, 'd', 0, "dismiss", DO, "dismiss",                                     \
	  "acknowledge the alert, dismiss the advice")                                   \
	X(SNOOZE, 'S', 0, "snooze", DO, "snooze",                                        \
	  "no word of it for an hour, or a week; :snooze 4h on an alert")                \
	X(HOLD, 'H', 0, "hold", DO, "hold",                                              \
	  "pause the search, and go on; stay at this step of a rollout")                 \
	X(INCIDENT, 'i', 0, "incident", DO, "incident",                                  \
	  "write what is known here to a file, and say where")                           \
	X(PSQL, '~', 0, "psql", DO, "psql",                                              \
	  "open psql on the same server; back on exit")                                  \
	X(CLUSTERS, '@', 0, "clusters", DO, "",                                          \
	  "switch to another cluster of the configuration")                              \
	X(CANCEL, 'K', 0, "cancel", CHANGE, "cancel",                                    \
	  "cancel the session's statement (asks)")                                       \
	X(TERMINATE, 'T', 0, "terminate", CHANGE, "terminate", "end the session (asks)") \
	X(APPLY, 'A', 0, "apply", CHANGE, "apply",                                       \
	  "start the guided change of what was accepted")                                \
	X(CONFIRM, 'C', 0, "confirm", CHANGE, "confirm",                                 \
	  "confirm the stage that waits for it")                                         \
	X(STOP, 'X', 0, "stop", CHANGE, "stop",                                          \
	  "stop the search: with a proposal, or restored at once (asks)")                \
	X(ROLLBACK, 'R', 0, "rollback", CHANGE, "roll back",                             \
	  "roll back the change, from anywhere")                                         \
	X(HELP, '?', PGT_KEY_F1, "help", GENERAL, "help",                                \
	  "keys and words of this screen")                                               \
	X(PALETTE, ':', 0, "palette", GENERAL, "", "commands by name")                   \
	X(REDRAW, 12, 0, "redraw", GENERAL, "", "paint the screen anew (Ctrl-L)")        \
	X(QUIT, 'q', 3, "quit", GENERAL, "quit", "back, then leave")

enum pgt_request {
	PGT_REQ_NONE,
#define PGT_REQUEST_ENUM(id, key, key2, name, group, hint, help) PGT_REQ_##id,
	PGT_REQUESTS(PGT_REQUEST_ENUM)
#undef PGT_REQUEST_ENUM
	    PGT_REQ_N
};

enum pgt_request_group {
	PGT_GROUP_SCREENS,
	PGT_GROUP_MOVE,
	PGT_GROUP_LOOK,
	PGT_GROUP_DO,
	PGT_GROUP_CHANGE,
	PGT_GROUP_GENERAL,
	PGT_GROUP_N
};

struct pgt_request_info {
	enum pgt_request request;
	int key, key2;
	const char *name;
	enum pgt_request_group group;
	const char *hint, *help;
};

extern const char *const pgt_group_names[PGT_GROUP_N];

const struct pgt_request_info *pgt_request_info(enum pgt_request r); /* NULL for NONE */
enum pgt_request pgt_request_of_key(int key);
enum pgt_request pgt_request_of_name(const char *name);
/* "Enter" "Ctrl-L" "?"; buf of 16 is enough. */
char *pgt_key_name(int key, char *buf, size_t size);
/* Back from "<Enter>", "<F1>", "<C-l>": the key, *ret_len bytes; 0 when unknown. */
int pgt_key_parse(const char *s, size_t *ret_len);

#endif
