#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "pg2une/base/signals.h"

static pthread_t reader;

static void
forward(int sig)
{
	int saved = errno;

	if (!pthread_equal(pthread_self(), reader))
		pthread_kill(reader, sig);
	errno = saved;
}

void
pgt_signals_forward(const int *signals, size_t n, bool on)
{
	struct sigaction sa = {.sa_handler = on ? forward : SIG_DFL,
			       .sa_flags = SA_RESTART};

	reader = pthread_self();
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < n; i++)
		sigaction(signals[i], &sa, NULL);
}
