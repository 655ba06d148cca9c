#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"

struct row {
	const char *in, *want;
};

static void
check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *out = pgt_safetext_redact(rows[i].in);

		assert_string_equal(out, rows[i].want);
		assert_null(strstr(out, "hunter"));
		free(out);
	}
}

static void
statements(void **state)
{
	static const struct row rows[] = {
	    {"ALTER ROLE x PASSWORD 'hunter2'", "ALTER ROLE x PASSWORD ***"},
	    {"alter role x password 'hun''hunter' valid until 'y'",
	     "alter role x password *** valid until 'y'"},
	    {"CREATE USER a ENCRYPTED PASSWORD E'a\\'hunter' LOGIN",
	     "CREATE USER a ENCRYPTED PASSWORD *** LOGIN"},
	    {"PASSWORD $$hunter$$ x", "PASSWORD *** x"},
	    {"PASSWORD $t$ $$ hunter $t$ x", "PASSWORD *** x"},
	    {"PASSWORD U&'hunter' x", "PASSWORD *** x"},
	    {"PASSWORD\n\t/* c */ -- d\n 'hunter' x", "PASSWORD\n\t/* c */ -- d\n *** x"},
	    {"PASSWORD'hunter'", "PASSWORD***"},
	    {"PASSWORD 'hunter cut", "PASSWORD ***"},
	    {"PASSWORD $t$hunter cut", "PASSWORD ***"},
	    {"DO $$ EXECUTE 'ALTER ROLE x PASSWORD ''hunter'''; $$",
	     "DO $$ EXECUTE 'ALTER ROLE x PASSWORD ***'; $$"},
	    {"UPDATE u SET password = 'hunter' WHERE id = 3",
	     "UPDATE u SET password = *** WHERE id = 3"},
	    {"f(api_token => 'hunter', n := 3)", "f(api_token => ***, n := 3)"},
	    {"x WHERE user_secret='hunter' AND a='b'",
	     "x WHERE user_secret=*** AND a='b'"},
	};

	(void)state;
	check(rows, PGT_LEN(rows));
}

static void
conninfo_urls_headers(void **state)
{
	static const struct row rows[] = {
	    {"host=a password=hunter2 dbname=x", "host=a password=*** dbname=x"},
	    {"host=a password = hunter2", "host=a password = ***"},
	    {"password='hunter\\'hunter' user=u", "password=*** user=u"},
	    {"password=a\\ hunter user=u", "password=*** user=u"},
	    {"sslpassword=hunter passfile=/x", "sslpassword=*** passfile=/x"},
	    {"PGPASSWORD=hunter psql", "PGPASSWORD=*** psql"},
	    {"dblink('password=''hunter 2'' host=x')", "dblink('password=*** host=x')"},
	    {"postgres://u:hunter@h:5432/db", "postgres://u:***@h:5432/db"},
	    {"postgresql://u:hun@hunter@h/db", "postgresql://u:***@h/db"},
	    {"postgres://u:hun/hunter@h/db", "postgres://u:***@h/db"},
	    {"postgres://h/db?user=u&password=hunter&x=1",
	     "postgres://h/db?user=u&password=***&x=1"},
	    {"see http://u:hunter@h and http://v:hunter@i.",
	     "see http://u:***@h and http://v:***@i."},
	    {"Authorization: Basic aHVudGVy\r\nHost: x", "Authorization: ***\r\nHost: x"},
	    {"bearer hunterhunter, x", "bearer *** x"},
	    {"{\"password\": \"hunter\\\"hunter\", \"a\": 1}",
	     "{\"password\": ***, \"a\": 1}"},
	    {"scram_client_key=hunter x", "scram_client_key=*** x"},
	};

	(void)state;
	check(rows, PGT_LEN(rows));
}

static void
the_rest_stays(void **state)
{
	static const char *const rows[] = {
	    "",
	    "SELECT 1",
	    "SELECT password_hash FROM u WHERE id = 'x'",
	    "password authentication failed for user \"x\"",
	    "SELECT password::text, a FROM u",
	    "ALTER ROLE x PASSWORD NULL",
	    "password_encryption = scram-sha-256",
	    "http://h:8080/a@b",
	    "postgres://u@h/db",
	    "the bearer of news",
	    "a://b",
	    "SELECT 'it''s' FROM t -- password",
	    "password",
	    "SELECT 'password', a FROM t WHERE b = 'c'",
	    "SELECT 'no password' , 'password' FROM t",
	};

	(void)state;
	for (size_t i = 0; i < PGT_LEN(rows); i++) {
		char *out = pgt_safetext_redact(rows[i]);

		assert_string_equal(out, rows[i]);
		free(out);
	}
	assert_null(pgt_safetext_redact(NULL));
}

/* pg_stat_activity cuts queries anywhere: a cut must not bare what stood
 * redacted when whole. */
static void
any_cut_keeps_it_hidden(void **state)
{
	static const char *const rows[] = {
	    "ALTER ROLE x PASSWORD 'hunter2hunter2' VALID UNTIL 'x'",
	    "ALTER ROLE x PASSWORD $a$hunter2hunter2$a$ VALID",
	    "password='hunter2hunter2' user=u",
	    "{\"password\": \"hunter2hunter2\"}",
	};

	(void)state;
	for (size_t i = 0; i < PGT_LEN(rows); i++)
		for (size_t n = 0; n <= strlen(rows[i]); n++) {
			char *cut = pgt_xstrndup(rows[i], n);
			char *out = pgt_safetext_redact(cut);

			assert_null(strstr(out, "hun"));
			free(out);
			free(cut);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(statements),
	    cmocka_unit_test(conninfo_urls_headers),
	    cmocka_unit_test(the_rest_stays),
	    cmocka_unit_test(any_cut_keeps_it_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
