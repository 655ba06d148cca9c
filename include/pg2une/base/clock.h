/* The only module that reads clocks.  Times are int64_t nanoseconds.  Tests and
 * replay put a virtual clock in place. */
#ifndef PG2UNE_BASE_CLOCK_H
#define PG2UNE_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PGT_NS_PER_US INT64_C(1000)
#define PGT_NS_PER_MS INT64_C(1000000)
#define PGT_NS_PER_S  INT64_C(1000000000)

int64_t pgt_clock_mono_ns(void); /* CLOCK_MONOTONIC: intervals, deadlines */
int64_t pgt_clock_boot_ns(void); /* CLOCK_BOOTTIME: guard deadlines, counts suspend */
int64_t pgt_clock_real_ns(void); /* since the Unix epoch, UTC: for people and files */
int64_t pgt_clock_cpu_ns(void);	 /* CPU time of this process */
int64_t pgt_clock_thread_cpu_ns(void);

/* From now on (this process) mono, boot and real stand still at now_ns and
 * real_ns until set again; pgt_clock_virtual_off() ends it. */
void pgt_clock_virtual(int64_t now_ns, int64_t real_ns);
void pgt_clock_virtual_off(void);

/* "2026-01-31T12:04:31.250Z" (RFC 3339, UTC); "12:04:31" in local time.
 * buf of 32 bytes is enough; both return buf. */
char *pgt_clock_iso8601(int64_t real_ns, char *buf, size_t size);
char *pgt_clock_hms(int64_t real_ns, char *buf, size_t size);
/* Hour of the week in UTC, 0 (Monday 00h) to 167. */
int pgt_clock_hour_of_week(int64_t real_ns);
/* RFC 3339 in UTC, back to nanoseconds; false when malformed. */
bool pgt_clock_parse_iso8601(const char *s, int64_t *ret_real_ns);

#endif
