/* The machine that this program runs on.  Any thread. */
#ifndef PG2UNE_BASE_HOST_H
#define PG2UNE_BASE_HOST_H

/* Bytes of memory: MemTotal of /proc/meminfo, or memory.max of the cgroup if that is
 * less; 0 unknown. */
double pgt_host_memory(void);

#endif
