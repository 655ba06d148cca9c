#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pg2une/base/mailbox.h"
#include "pg2une/base/mem.h"

struct pgt_mailbox {
	pthread_mutex_t mutex;
	struct pgt_msg *head, **tail;
	size_t len, cap;
	int wake_fd;
};

struct pgt_mailbox *
pgt_mailbox_new(size_t cap)
{
	struct pgt_mailbox *mb = pgt_xcalloc(1, sizeof(*mb));

	pthread_mutex_init(&mb->mutex, NULL);
	mb->tail = &mb->head;
	mb->cap = cap;
	/* Mailboxes are made at start, a handful: without a descriptor for each
	 * there is no program, as with fixed-size memory. */
	mb->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (mb->wake_fd < 0)
		pgt_mem_abort();
	return mb;
}

void
pgt_mailbox_free(struct pgt_mailbox *mb)
{
	struct pgt_msg *msg;

	if (!mb)
		return;
	while ((msg = pgt_mailbox_take(mb)))
		pgt_msg_free(msg);
	close(mb->wake_fd);
	pthread_mutex_destroy(&mb->mutex);
	free(mb);
}

/* The eventfd is written and read under the mutex, so that it is readable exactly
 * while the mailbox is not empty; neither call can block. */
bool
pgt_mailbox_post(struct pgt_mailbox *mb, struct pgt_msg *msg)
{
	bool ok;

	pthread_mutex_lock(&mb->mutex);
	ok = mb->len < mb->cap;
	if (ok) {
		msg->next = NULL;
		*mb->tail = msg;
		mb->tail = &msg->next;
		if (mb->len++ == 0) /* one wakeup a batch: the reader drains all */
			eventfd_write(mb->wake_fd, 1);
	}
	pthread_mutex_unlock(&mb->mutex);
	return ok;
}

struct pgt_msg *
pgt_mailbox_take(struct pgt_mailbox *mb)
{
	struct pgt_msg *msg;
	eventfd_t count;

	pthread_mutex_lock(&mb->mutex);
	msg = mb->head;
	if (msg) {
		mb->head = msg->next;
		msg->next = NULL;
		if (--mb->len == 0) {
			mb->tail = &mb->head;
			eventfd_read(mb->wake_fd, &count);
		}
	}
	pthread_mutex_unlock(&mb->mutex);
	return msg;
}

int
pgt_mailbox_fd(const struct pgt_mailbox *mb)
{
	return mb->wake_fd;
}

size_t
pgt_mailbox_len(struct pgt_mailbox *mb)
{
	size_t len;

	pthread_mutex_lock(&mb->mutex);
	len = mb->len;
	pthread_mutex_unlock(&mb->mutex);
	return len;
}

struct pgt_msg *
pgt_msg_new(int type, int64_t arg, void *take_data, void (*free_data)(void *))
{
	struct pgt_msg *msg = pgt_xcalloc(1, sizeof(*msg));

	msg->type = type;
	msg->arg = arg;
	msg->data = take_data;
	msg->free_data = free_data;
	return msg;
}

void
pgt_msg_free(struct pgt_msg *msg)
{
	if (!msg)
		return;
	if (msg->free_data && msg->data)
		msg->free_data(msg->data);
	free(msg);
}
