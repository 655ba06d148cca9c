/* Rule programs with known answers, bad programs with the place of the error, proofs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/decide/datalog.h"

struct printed {
	struct pgt_buf b;
	int n;
};

static bool
print_tuple(void *arg, const struct pgt_dl_value *v, size_t n)
{
	struct printed *p = arg;

	if (p->n++)
		pgt_buf_putc(&p->b, ' ');
	for (size_t i = 0; i < n; i++) {
		if (i)
			pgt_buf_putc(&p->b, ',');
		if (v[i].text)
			pgt_buf_puts(&p->b, v[i].text);
		else
			pgt_buf_printf(&p->b, "%.6g", v[i].num);
	}
	if (n == 0)
		pgt_buf_puts(&p->b, "yes");
	return true;
}

static struct pgt_datalog *
load(const char *text)
{
	struct pgt_datalog *dl = NULL;
	struct pgt_err err = {0};

	if (pgt_datalog_new("t", text, strlen(text), &dl, &err) < 0)
		fail_msg("%s\n%s", err.msg, text);
	return dl;
}

static void
answer(struct pgt_datalog *dl, const char *pred, const char *want)
{
	struct printed p = {0};
	struct pgt_err err = {0};

	pgt_buf_init(&p.b, 65536);
	if (pgt_datalog_run(dl, &err) < 0 ||
	    pgt_datalog_each(dl, pred, print_tuple, &p, &err) < 0)
		fail_msg("%s", err.msg);
	if (strcmp(pgt_buf_str(&p.b), want) != 0)
		fail_msg("%s: got \"%s\", want \"%s\"", pred, pgt_buf_str(&p.b), want);
	pgt_buf_done(&p.b);
}

#define GRAPH "e(a,b). e(b,c). e(c,d). e(d,b). "
#define TREE  "parent(ann,bob). parent(bob,cid). parent(bob,dan). parent(ann,eve). "

static const struct {
	const char *program, *pred, *want;
} programs[] = {
    /* facts and joins */
    {"p(1). p(2). p(2).", "p", "1 2"},
    {"p(a, \"b c\", -3.5).", "p", "a,b c,-3.5"},
    {"", "p", ""},
    {"yes. q() :- yes().", "q", "yes"},
    {"q(X) :- p(X). p(3). p(1).", "q", "1 3"},
    {TREE "grand(X, Z) :- parent(X, Y), parent(Y, Z).", "grand", "ann,cid ann,dan"},
    {"p(1,1). p(1,2). q(X) :- p(X, X).", "q", "1"},
    {"p(1,2). p(3,2). q(Y) :- p(_, Y).", "q", "2"},
    {"p(1). p(2). q(a). r(X, Y) :- p(X), q(Y).", "r", "1,a 2,a"},
    {"p(1). q(X, k, 2) :- p(X).", "q", "1,k,2"},
    {"p(x, 1). p(y, 2). q(V) :- p(y, V).", "q", "2"},
    /* a word and the same word in quotes are one; text and number are not */
    {"l(q1, \"same_load\"). r(Q) :- l(Q, same_load).", "r", "q1"},
    {"p(\"1\"). q(X) :- p(X), X = 1.", "q", ""},
    {"p(1). p(1.0). p(\"1\").", "p", "1 1"},
    {"p(\"say \\\"hi\\\" \\\\ it's\").", "p", "say \"hi\" \\ it's"},
    {"p(\"'; DROP TABLE p0; --\"). q(X) :- p(X), X != a.", "q", "'; DROP TABLE p0; --"},
    /* recursion */
    {GRAPH "t(X,Y) :- e(X,Y). t(X,Z) :- t(X,Y), e(Y,Z).", "t",
     "a,b a,c a,d b,b b,c b,d c,b c,c c,d d,b d,c d,d"},
    {GRAPH "t(X,Y) :- e(X,Y). t(X,Z) :- t(X,Y), t(Y,Z). cyc(X) :- t(X,X).", "cyc",
     "b c d"},
    {TREE "sg(X,X) :- parent(_,X). sg(X,Y) :- parent(P,X), sg(P,Q), parent(Q,Y). "
	  "c(X) :- sg(cid, X).",
     "c", "cid dan"},
    {"even(0). even(Y) :- odd(X), Y = X + 1, X < 9. odd(Y) :- even(X), Y = X + 1, X < 9.",
     "even", "0 2 4 6 8"},
    {"n(1). n(Y) :- n(X), X < 5, Y = X * 2.", "n", "1 2 4 8"},
    /* base facts of a predicate that rules derive too */
    {"r(a). r(Y) :- r(X), e(X, Y). " GRAPH, "r", "a b c d"},
    /* negation, two strata and more */
    {"p(1). p(2). q(2). r(X) :- p(X), not q(X).", "r", "1"},
    {GRAPH "t(X,Y) :- e(X,Y). t(X,Z) :- t(X,Y), e(Y,Z). v(X) :- e(X,_). "
	   "un(X,Y) :- v(X), v(Y), not t(X,Y).",
     "un", "a,a b,a c,a d,a"},
    {"p(1). a(X) :- p(X), not b(X). b(X) :- p(X), not c(X). c(X) :- p(X), X > 5.", "a",
     ""},
    {"p(7). a(X) :- p(X), not b(X). b(X) :- p(X), not c(X). c(X) :- p(X), X > 5.", "a",
     "7"},
    {"go :- not stop.", "go", "yes"},
    {"stop. go :- not stop.", "go", ""},
    {"q(1,2). p(1). p(2). r(X) :- p(X), not q(X, _).", "r", "2"},
    {"p(1). p(2). p(3). bigger(X) :- p(X), p(Y), Y > X. max(X) :- p(X), not bigger(X).",
     "max", "3"},
    /* the first pair that is not linked */
    {"win(X) :- move(X,Y), not lost(Y). lost(x). move(a,x). move(b,y).", "win", "b"},
    /* comparison */
    {"p(1). p(2). p(3). q(X) :- p(X), X >= 2, X != 3.", "q", "2"},
    {"p(b). p(a). q(X) :- p(X), X < b.", "q", "a"},
    {"p(b). p(5). q(X) :- p(X), X < 100.", "q", "5"},
    {"p(b). p(5). q(X) :- p(X), X != 5.", "q", "b"},
    {"p(1,2). p(2,1). q(X) :- p(X,Y), X < Y.", "q", "1"},
    {"p(a,a). p(a,b). q(Y) :- p(X,Y), X = Y.", "q", "a"},
    {"p(1). q :- p(X), 2 > X, X <= 1.", "q", "yes"},
    {"p(a). q(X) :- p(X), a = X.", "q", "a"},
    /* arithmetic */
    {"p(7,2). q(S,D,P,R) :- p(X,Y), S = X + Y, D = X - Y, P = X * Y, R = X / Y.", "q",
     "9,5,14,3.5"},
    {"p(2). q(Y) :- p(X), Y = 1 + X * 3 - (4 - X) / 2.", "q", "6"},
    {"p(2). q(Y) :- p(X), -X + 5 = Y.", "q", "3"},
    {"p(10). q(X - 3 - 2) :- p(X).", "q", "5"},
    {"p(8). q(X / 4 / 2) :- p(X).", "q", "1"},
    {"p(0). p(4). q(Y) :- p(X), Y = 8 / X.", "q", "2"},
    {"p(0). q :- p(X), 1 / X > 0.", "q", ""},
    {"p(abc). p(4). q(Y) :- p(X), Y = X + 1.", "q", "5"},
    {"p(abc). q(Y) :- p(X), Z = X, Y = Z * 2.", "q", ""},
    {"p(3). q(C) :- C = B + 1, B = A + 1, p(A).", "q", "5"},
    {"q(X) :- X = 2 + 2.", "q", "4"},
    {"p(0.1). q :- p(X), X + 0.2 > 0.3.", "q", "yes"},
    {"now(1000). last(800). cool :- last(T), now(N), N - T < 300.", "cool", "yes"},
    {"now(1000). last(600). cool :- last(T), now(N), N - T < 300.", "cool", ""},
    {"p(1e3). q(X) :- p(X), X = 1000.", "q", "1000"},
    /* comments, layout, names */
    {"% all\np(1). % one\n\n  p ( 2 )\n.\n%end", "p", "1 2"},
    {"aB_9(x). q(Y_1) :- aB_9(Y_1).", "q", "x"},
    {"p(\"\xc3\xa4\xe2\x82\xac\").", "p", "\xc3\xa4\xe2\x82\xac"},
};

static void
test_programs(void **state)
{
	(void)state;
	assert_true(PGT_LEN(programs) >= 30);
	for (size_t i = 0; i < PGT_LEN(programs); i++) {
		struct pgt_datalog *dl = load(programs[i].program);

		answer(dl, programs[i].pred, programs[i].want);
		/* all is derived anew: a second run is no different */
		answer(dl, programs[i].pred, programs[i].want);
		pgt_datalog_free(dl);
	}
}

static const struct {
	const char *program, *message;
} bad[] = {
    {"p(1)", "t:1:5: expected ':-' or '.' after the head"},
    {"p(1) :- q(1)", "t:1:13: expected ',' or '.' after a condition"},
    {"p(X).", "t:1:3: variable X in the head is not bound by a positive condition"},
    {"p(_) :- q(_).", "t:1:3: _ has no value in the head"},
    {"q(1).\np(X) :- not q(X).", "t:2:15: variable X under not"},
    {"p(1) :- q(Y), not r(X).", "t:1:21: variable X under not"},
    {"p(1) :- q(Y), X < Y.", "t:1:15: variable X in a comparison"},
    {"p(1) :- q(Y), _ < Y.", "t:1:15: _ has no value in a comparison"},
    {"p(X) :- q(Y), X = Z + Y.", "t:1:15: variable X in a comparison"},
    {"p(X) :- X = X + 1.", "t:1:9: variable X"},
    {"p(1). p(1,2).", "t:1:7: p has 2 arguments here and 1 in line 1"},
    {"p(X) :- q(X), not p(X).", "t:1:19: p depends on its own negation"},
    {"a(X) :- s(X), not b(X).\nb(X) :- s(X), c(X).\nc(X) :- a(X).",
     "depends on its own negation"},
    {"p(\"abc", "t:1:3: string does not end on its line"},
    {"p(\"a\nb\").", "t:1:3: string does not end"},
    {"p(\"a\\n\").", "t:1:5: only"},
    {"p(1,).", "t:1:5: expected an argument"},
    {"p(1 2).", "t:1:5: expected ',' or ')'"},
    {"p(3x).", "t:1:4: unexpected letter after a number"},
    {"P(1).", "t:1:1: expected a predicate"},
    {"p(1) :- .", "t:1:9: expected a value or a variable"},
    {"p(1) :- q(X), X.", "t:1:16: expected a comparison"},
    {"p(1) :- q(X), X ~ 2.", "t:1:17: unexpected '~'"},
    {"p(1) :- q(X), X < abc + 1.", "cannot calculate with text"},
    {"p(1) :- q(X), abc + X < 1.", "t:1:15: cannot calculate with text"},
    {"p(1) :- q(X + 1).", "t:1:13: calculate in an equation"},
    {"p(1) : - q(1).", "t:1:6: unexpected ':'"},
    {"\xc3\xa4.", "t:1:1: unexpected byte 0xc3"},
    {"p(\"\xc3\xa4\") q.", "t:1:8: expected ':-'"},
    {"p(1,2,3,4,5,6,7,8,9).", "t:1:19: p has more than 8 arguments"},
    {"p(((((((((((((((((((((((((((((((((((1)))))))))))))).", "nested too deeply"},
    {"p(1e999).", "number is too large"},
    {"not p(1).", "t:1:1: expected a predicate"},
    {"p(1) :- not X < 2.", "t:1:13: expected a predicate"},
};

static void
test_bad_programs(void **state)
{
	(void)state;
	for (size_t i = 0; i < PGT_LEN(bad); i++) {
		struct pgt_datalog *dl = (void *)1;
		struct pgt_err err = {0};

		if (pgt_datalog_new("t", bad[i].program, strlen(bad[i].program), &dl,
				    &err) == 0)
			fail_msg("accepted: %s", bad[i].program);
		assert_int_equal(err.code, PGT_E_PARSE);
		if (!strstr(err.msg, bad[i].message))
			fail_msg("%s: got \"%s\", want \"%s\"", bad[i].program, err.msg,
				 bad[i].message);
		assert_ptr_equal(dl, (void *)1);
	}
	/* a NUL byte is a byte like any other that does not belong there */
	struct pgt_datalog *dl;
	struct pgt_err err;

	assert_int_equal(pgt_datalog_new("t", "p(1).\0", 6, &dl, &err), -1);
}

/* Anything cut off, and each byte replaced: an error or a program, never a crash. */
static void
test_mutilated(void **state)
{
	static const char text[] =
	    "go(A) :- ready(A), not stop(), N - 3 < 2.5, N = A * -1. % x\n"
	    "ready(\"a\\\"b\").\n";
	char copy[sizeof(text)];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++) {
		for (int mode = 0; mode < 8; mode++) {
			static const char put[] = "(\"\\.,Z0";
			struct pgt_datalog *dl;
			struct pgt_err err;
			size_t len = mode == 7 ? i : sizeof(text) - 1;

			memcpy(copy, text, sizeof(text));
			if (mode < 7)
				copy[i] = put[mode];
			if (pgt_datalog_new("t", copy, len, &dl, &err) == 0)
				pgt_datalog_free(dl);
			else
				assert_int_equal(err.code, PGT_E_PARSE);
		}
	}
}

static void
test_facts(void **state)
{
	struct pgt_datalog *dl = load(
	    "r(Q) :- reg(Q, same_load, P), P > 20. z() :- none().");
	struct pgt_err err = {0};
	struct pgt_dl_value v[3] = {PGT_DL_TEXT("123"), PGT_DL_TEXT("same_load"),
				    PGT_DL_NUM(25.5)};

	(void)state;
	assert_int_equal(pgt_datalog_fact(dl, "reg", v, 3, &err), 0);
	assert_int_equal(pgt_datalog_fact(dl, "reg", v, 3, &err), 0);
	answer(dl, "r", "123");
	assert_true(pgt_datalog_holds(dl, "r", v, 1));
	assert_false(pgt_datalog_holds(dl, "r", &PGT_DL_NUM(123), 1));
	assert_false(pgt_datalog_holds(dl, "r", v, 2));
	assert_false(pgt_datalog_holds(dl, "nosuch", v, 1));
	/* nothing is left from before */
	assert_int_equal(pgt_datalog_reset(dl, &err), 0);
	answer(dl, "r", "");
	assert_int_equal(pgt_datalog_fact(dl, "none", NULL, 0, &err), 0);
	answer(dl, "z", "yes");

	assert_int_equal(pgt_datalog_fact(dl, "reg", v, 2, &err), -1);
	assert_int_equal(err.code, PGT_E_USAGE);
	v[2] = PGT_DL_NUM(NAN);
	assert_int_equal(pgt_datalog_fact(dl, "reg", v, 3, &err), -1);
	assert_int_equal(pgt_datalog_fact(dl, "unheard", v, 2, &err), 0);
	pgt_datalog_free(dl);
}

/* Rules that derive without end are stopped, and the program is of use again. */
static void
test_runaway(void **state)
{
	static const char *const runaways[] = {
	    "n(Y) :- n(X), Y = X + 1.",
	    "n(Y) :- n(X), m(A), m(B), m(C), m(D), m(E), m(F), m(G), m(H), "
	    "Y = A + 100*B + 10000*C + 1e6*D + 1e8*E + 1e10*F + 1e12*G + 1e14*H + X. "
	    "m(Y) :- m(X), Y = X + 1, X < 90.",
	};

	(void)state;
	for (size_t i = 0; i < PGT_LEN(runaways); i++) {
		struct pgt_datalog *dl = load(runaways[i]);
		struct pgt_err err = {0};

		assert_int_equal(pgt_datalog_fact(dl, "n", &PGT_DL_NUM(1), 1, &err), 0);
		assert_int_equal(pgt_datalog_fact(dl, "m", &PGT_DL_NUM(1), 1, &err), 0);
		assert_int_equal(pgt_datalog_run(dl, &err), -1);
		assert_int_equal(err.code, PGT_E_LIMIT);
		assert_int_equal(pgt_datalog_reset(dl, &err), 0);
		answer(dl, "n", "");
		pgt_datalog_free(dl);
	}
}

static void
why(struct pgt_datalog *dl, const char *pred, const struct pgt_dl_value *v, size_t n,
    const char *want)
{
	struct pgt_err err = {0};
	struct pgt_buf b;

	pgt_buf_init(&b, 65536);
	if (pgt_datalog_explain(dl, pred, v, n, &b, &err) < 0)
		fail_msg("%s", err.msg);
	if (strcmp(pgt_buf_str(&b), want) != 0)
		fail_msg("got:\n%s\nwant:\n%s", pgt_buf_str(&b), want);
	pgt_buf_done(&b);
}

static void
test_proof(void **state)
{
	struct pgt_datalog *dl = load(
	    "act(A) :-\n ready(A), not held(A, _), now(N), D = N - 5,\n"
	    " D > 2.\n"
	    "ready(A) :- degraded(M), for(M, A).\n"
	    "held(A, x) :- hold(A).\n"
	    "for(\"p99 latency\", knobs).\n");
	struct pgt_err err = {0};
	struct pgt_buf b;

	(void)state;
	assert_int_equal(
	    pgt_datalog_fact(dl, "degraded", &PGT_DL_TEXT("p99 latency"), 1, &err), 0);
	assert_int_equal(pgt_datalog_fact(dl, "now", &PGT_DL_NUM(10), 1, &err), 0);
	pgt_buf_init(&b, 1000);
	assert_int_equal(
	    pgt_datalog_explain(dl, "act", &PGT_DL_TEXT("knobs"), 1, &b, &err), -1);
	assert_int_equal(err.code, PGT_E_STATE);
	answer(dl, "act", "knobs");
	why(dl, "act", &PGT_DL_TEXT("knobs"), 1,
	    "act(knobs)   by rule line 1\n"
	    "  ready(knobs)   by rule line 4\n"
	    "    degraded(\"p99 latency\")   fact\n"
	    "    for(\"p99 latency\", knobs)   by rule line 6\n"
	    "  not held(knobs, _)\n"
	    "  now(10)   fact\n"
	    "  D = 5\n"
	    "  5 > 2\n");
	assert_int_equal(
	    pgt_datalog_explain(dl, "act", &PGT_DL_TEXT("query"), 1, &b, &err), -1);
	assert_int_equal(err.code, PGT_E_NOTFOUND);
	pgt_buf_done(&b);
	pgt_datalog_free(dl);
}

/* On a cycle a proof must still end, and be as short as the rounds allow. */
static void
test_proof_recursive(void **state)
{
	struct pgt_datalog *dl = load("t(X,Y) :- t(Y,X).\nt(X,Z) :- t(X,Y), t(Y,Z).\n"
				      "t(X,Y) :- e(X,Y).\ne(a,b). e(b,c). e(c,a).");

	(void)state;
	answer(dl, "t", "a,a a,b a,c b,a b,b b,c c,a c,b c,c");
	why(dl, "t", (struct pgt_dl_value[]){PGT_DL_TEXT("a"), PGT_DL_TEXT("a")}, 2,
	    "t(a, a)   by rule line 2\n"
	    "  t(a, b)   by rule line 3\n"
	    "    e(a, b)   by rule line 4\n"
	    "  t(b, a)   by rule line 1\n"
	    "    t(a, b)   by rule line 3\n"
	    "      e(a, b)   by rule line 4\n");
	pgt_datalog_free(dl);
}

/* Semi-naive rounds against the closed form: a chain of n has n (n + 1) / 2 paths. */
static void
test_scale(void **state)
{
	struct pgt_datalog *dl = load("t(X,Y) :- e(X,Y). t(X,Z) :- t(X,Y), e(Y,Z). "
				      "far(X,Y) :- t(X,Y), Y - X > 198.");
	struct pgt_err err = {0};
	struct printed p = {0};
	int64_t ns;

	(void)state;
	for (int i = 0; i < 200; i++)
		assert_int_equal(pgt_datalog_fact(dl, "e",
						  (struct pgt_dl_value[]){
						      PGT_DL_NUM(i), PGT_DL_NUM(i + 1)},
						  2, &err),
				 0);
	ns = pgt_clock_thread_cpu_ns();
	assert_int_equal(pgt_datalog_run(dl, &err), 0);
	ns = pgt_clock_thread_cpu_ns() - ns;
	pgt_buf_init(&p.b, 1 << 22);
	assert_int_equal(pgt_datalog_each(dl, "t", print_tuple, &p, &err), 0);
	assert_int_equal(p.n, 200 * 201 / 2);
	pgt_buf_done(&p.b);
	answer(dl, "far", "0,199 0,200 1,200");
	print_message("20100 paths in %.0f ms\n", (double)ns / 1e6);
#ifndef __SANITIZE_ADDRESS__
	assert_true(ns < 1000 * PGT_NS_PER_MS);
#endif
	pgt_datalog_free(dl);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_programs),        cmocka_unit_test(test_bad_programs),
	    cmocka_unit_test(test_mutilated),       cmocka_unit_test(test_facts),
	    cmocka_unit_test(test_runaway),         cmocka_unit_test(test_proof),
	    cmocka_unit_test(test_proof_recursive), cmocka_unit_test(test_scale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
