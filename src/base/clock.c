#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pg2une/base/clock.h"

static atomic_bool is_virtual;
static atomic_llong virtual_mono, virtual_real;

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * PGT_NS_PER_S + ts.tv_nsec;
}

int64_t
pgt_clock_mono_ns(void)
{
	return is_virtual ? virtual_mono : read_clock(CLOCK_MONOTONIC);
}

int64_t
pgt_clock_boot_ns(void)
{
	return is_virtual ? virtual_mono : read_clock(CLOCK_BOOTTIME);
}

int64_t
pgt_clock_real_ns(void)
{
	return is_virtual ? virtual_real : read_clock(CLOCK_REALTIME);
}

int64_t
pgt_clock_cpu_ns(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t
pgt_clock_thread_cpu_ns(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

void
pgt_clock_virtual(int64_t now_ns, int64_t real_ns)
{
	virtual_mono = now_ns;
	virtual_real = real_ns;
	is_virtual = true;
}

void
pgt_clock_virtual_off(void)
{
	is_virtual = false;
}

/* Floor division, so that times before 1970 come out right too. */
static time_t
whole_seconds(int64_t ns, long *ret_rest_ns)
{
	int64_t s = ns / PGT_NS_PER_S;
	int64_t rest = ns % PGT_NS_PER_S;

	if (rest < 0) {
		rest += PGT_NS_PER_S;
		s--;
	}
	*ret_rest_ns = (long)rest;
	return (time_t)s;
}

char *
pgt_clock_iso8601(int64_t real_ns, char *buf, size_t size)
{
	struct tm tm;
	long rest;
	time_t t = whole_seconds(real_ns, &rest);
	char date[32];

	gmtime_r(&t, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf, size, "%s.%03ldZ", date, rest / 1000000);
	return buf;
}

char *
pgt_clock_hms(int64_t real_ns, char *buf, size_t size)
{
	struct tm tm;
	long rest;
	time_t t = whole_seconds(real_ns, &rest);

	localtime_r(&t, &tm);
	if (strftime(buf, size, "%H:%M:%S", &tm) == 0 && size)
		buf[0] = '\0';
	return buf;
}

int
pgt_clock_hour_of_week(int64_t real_ns)
{
	long rest;
	int64_t s = whole_seconds(real_ns, &rest);
	int64_t hours = s / 3600 - (s % 3600 < 0);
	/* The epoch was a Thursday: 72 hours after a Monday. */
	int64_t h = (hours + 72) % 168;

	return (int)(h < 0 ? h + 168 : h);
}

/* The n digits at *s, which then stands at their end. */
static bool
take_digits(const char **s, int n, int *ret)
{
	int v = 0;

	for (; n > 0; n--, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		v = v * 10 + (**s - '0');
	}
	*ret = v;
	return true;
}

/* "YYYY-MM-DDThh:mm:ss" at *s; strptime() would take blanks and 30 February. */
static bool
take_date_time(const char **s, time_t *ret)
{
	int year, month, day, hour, minute, second;
	struct tm tm = {0}, back;
	time_t t;

	if (!take_digits(s, 4, &year) || *(*s)++ != '-' || !take_digits(s, 2, &month) ||
	    *(*s)++ != '-' || !take_digits(s, 2, &day) || *(*s)++ != 'T' ||
	    !take_digits(s, 2, &hour) || *(*s)++ != ':' || !take_digits(s, 2, &minute) ||
	    *(*s)++ != ':' || !take_digits(s, 2, &second))
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	tm.tm_hour = hour;
	tm.tm_min = minute;
	tm.tm_sec = second;
	back = tm;
	t = timegm(&back);
	/* It normalises what is no date: then the fields differ. */
	if (back.tm_mon != tm.tm_mon || back.tm_mday != tm.tm_mday ||
	    back.tm_hour != tm.tm_hour || back.tm_min != tm.tm_min ||
	    back.tm_sec != tm.tm_sec)
		return false;
	*ret = t;
	return true;
}

bool
pgt_clock_parse_iso8601(const char *s, int64_t *ret_real_ns)
{
	int64_t frac = 0, unit = PGT_NS_PER_S / 10, ns;
	time_t t;

	if (!take_date_time(&s, &t))
		return false;
	if (*s == '.') {
		if (s[1] < '0' || s[1] > '9')
			return false;
		for (s++; *s >= '0' && *s <= '9'; s++, unit /= 10)
			frac += (*s - '0') * unit;
	}
	if (strcmp(s, "Z") != 0)
		return false;
	if (__builtin_mul_overflow((int64_t)t, PGT_NS_PER_S, &ns) ||
	    __builtin_add_overflow(ns, frac, &ns))
		return false;
	*ret_real_ns = ns;
	return true;
}
