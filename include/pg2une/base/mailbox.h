/* A bounded list of messages under a mutex, with an eventfd that poll() sees.
 * Ownership moves with the message.  Any thread posts, one thread receives. */
#ifndef PG2UNE_BASE_MAILBOX_H
#define PG2UNE_BASE_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pgt_msg {
	struct pgt_msg *next; /* the mailbox's own */
	int type;	      /* the meaning is the receiver's */
	int64_t arg;
	void *data;
	void (*free_data)(void *data); /* called when the message dies undelivered or
					* after pgt_msg_free(); may be NULL */
};

struct pgt_mailbox;

struct pgt_mailbox *pgt_mailbox_new(size_t cap);
void pgt_mailbox_free(struct pgt_mailbox *mb); /* frees what is still in it */
/* True: msg is no longer ours.  False (full): it still is. */
bool pgt_mailbox_post(struct pgt_mailbox *mb, struct pgt_msg *msg);
/* The oldest message or NULL; never waits.  Draining to NULL re-arms the fd. */
struct pgt_msg *pgt_mailbox_take(struct pgt_mailbox *mb);
int pgt_mailbox_fd(const struct pgt_mailbox *mb); /* readable while not empty */
size_t pgt_mailbox_len(struct pgt_mailbox *mb);

struct pgt_msg *pgt_msg_new(int type, int64_t arg, void *take_data,
			    void (*free_data)(void *));
void pgt_msg_free(struct pgt_msg *msg);

#endif
