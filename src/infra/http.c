#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <pthread.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/dynlib.h"
#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/infra/http.h"

#define SECRET_MAX 4096

/* Only who has a pooler's, Patroni's or a hook's address needs it: base/dynlib.h. */
#define CURL(F)                                                                          \
	F(curl_, global_init)                                                            \
	F(curl_, easy_init)                                                              \
	F(curl_, easy_setopt)                                                            \
	F(curl_, easy_perform)                                                           \
	F(curl_, easy_getinfo)                                                           \
	F(curl_, easy_strerror)                                                          \
	F(curl_, easy_cleanup)                                                           \
	F(curl_, slist_append)                                                           \
	F(curl_, slist_free_all)

static struct {
	CURL(PGT_DYNLIB_MEMBER)
} curl;
static const char *const curl_names[] = {CURL(PGT_DYNLIB_NAME)};
static struct pgt_dynlib curl_lib =
    PGT_DYNLIB("libcurl.so.4", "libcurl4", curl_names, curl);

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void
init_curl(void)
{
	curl.global_init(CURL_GLOBAL_DEFAULT);
}

static size_t
on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct pgt_buf *b = ctx;

	pgt_buf_put(b, data, size * n);
	return b->overflow ? 0 : size * n; /* 0 ends the transfer */
}

static struct curl_slist *
headers(const struct pgt_http_auth *auth, bool has_body)
{
	struct curl_slist *h = curl.slist_append(NULL, "Accept: application/json");
	char *line;

	if (has_body)
		h = curl.slist_append(h, "Content-Type: application/json");
	h = curl.slist_append(h, "Expect:");
	if (auth && auth->bearer) {
		line = pgt_xasprintf("Authorization: Bearer %s", auth->bearer);
		h = curl.slist_append(h, line);
		explicit_bzero(line, strlen(line));
		free(line);
	}
	return h;
}

static void
set_options(CURL *c, const char *method, const char *url,
	    const struct pgt_http_auth *auth, const char *body, int64_t timeout_ns,
	    struct pgt_buf *reply)
{
	long ms = (long)(timeout_ns / PGT_NS_PER_MS);

	curl.easy_setopt(c, CURLOPT_URL, url);
	curl.easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
	curl.easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl.easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl.easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl.easy_setopt(c, CURLOPT_TIMEOUT_MS, ms);
	curl.easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, ms < 3000 ? ms : 3000L);
	curl.easy_setopt(c, CURLOPT_PROXY, "");
	curl.easy_setopt(c, CURLOPT_USERAGENT, "pg2une");
	curl.easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl.easy_setopt(c, CURLOPT_WRITEDATA, reply);
	if (body) {
		curl.easy_setopt(c, CURLOPT_POSTFIELDS, body);
		curl.easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
	}
	if (auth && auth->user) {
		curl.easy_setopt(c, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl.easy_setopt(c, CURLOPT_USERNAME, auth->user);
		curl.easy_setopt(c, CURLOPT_PASSWORD,
				 auth->password ? auth->password : "");
	}
	if (auth && auth->ca_file)
		curl.easy_setopt(c, CURLOPT_CAINFO, auth->ca_file);
}

static int
fail(CURLcode rc, const char *method, const char *url, const char *detail,
     const struct pgt_buf *reply, struct pgt_err *err)
{
	enum pgt_errcode code = PGT_E_CONN;
	char *safe;

	if (reply->overflow)
		return pgt_err_set(err, PGT_E_LIMIT,
				   "%s %s: the answer is over %zu bytes", method, url,
				   reply->max);
	if (rc == CURLE_OPERATION_TIMEDOUT)
		code = PGT_E_TIMEOUT;
	else if (rc == CURLE_UNSUPPORTED_PROTOCOL || rc == CURLE_URL_MALFORMAT)
		code = PGT_E_USAGE;
	safe = pgt_safetext(*detail ? detail : curl.easy_strerror(rc), PGT_SAFE_LINE,
			    200);
	pgt_err_set(err, code, "%s %s: %s", method, url, safe);
	free(safe);
	return -1;
}

int
pgt_http(const char *method, const char *url, const struct pgt_http_auth *auth,
	 const char *body, int64_t timeout_ns, long *ret_status, struct pgt_buf *reply,
	 struct pgt_err *err)
{
	char detail[CURL_ERROR_SIZE] = "";
	struct curl_slist *h;
	CURLcode rc;
	CURL *c;

	if (pgt_dynlib_open(&curl_lib, err) < 0)
		return -1;
	pthread_once(&curl_once, init_curl);
	c = curl.easy_init();
	if (!c)
		pgt_mem_abort();
	h = headers(auth, body != NULL);
	set_options(c, method, url, auth, body, timeout_ns, reply);
	curl.easy_setopt(c, CURLOPT_HTTPHEADER, h);
	curl.easy_setopt(c, CURLOPT_ERRORBUFFER, detail);
	rc = curl.easy_perform(c);
	if (rc == CURLE_OK)
		curl.easy_getinfo(c, CURLINFO_RESPONSE_CODE, ret_status);
	curl.slist_free_all(h);
	curl.easy_cleanup(c);
	return rc == CURLE_OK ? 0 : fail(rc, method, url, detail, reply, err);
}

int
pgt_http_json(const char *method, const char *url, const struct pgt_http_auth *auth,
	      const cJSON *body, int64_t timeout_ns, long *ret_status, cJSON **ret,
	      struct pgt_err *err)
{
	char *text = body ? pgt_json_print(body, false) : NULL;
	struct pgt_buf reply;
	cJSON *json = NULL;
	long status = 0;
	int rc;

	pgt_buf_init(&reply, PGT_HTTP_REPLY_MAX);
	rc = pgt_http(method, url, auth, text, timeout_ns, &status, &reply, err);
	if (rc == 0 && reply.len > 0) {
		json = pgt_json_parse(pgt_buf_str(&reply), reply.len, PGT_HTTP_REPLY_MAX,
				      err);
		if (!json && status < 400) {
			pgt_err_prefix(err, "%s %s", method, url);
			rc = -1;
		}
	}
	pgt_buf_done(&reply);
	free(text);
	if (rc == 0) {
		*ret_status = status;
		*ret = json;
	}
	return rc;
}

int
pgt_http_secret(const char *path, char **ret, struct pgt_err *err)
{
	struct pgt_buf b;

	if (pgt_file_check_private(path, err) < 0)
		return -1;
	pgt_buf_init(&b, SECRET_MAX);
	if (pgt_file_read(path, &b, err) < 0) {
		pgt_buf_done(&b);
		return -1;
	}
	while (b.len > 0 && strchr(" \t\r\n", b.data[b.len - 1]))
		b.data[--b.len] = '\0';
	*ret = pgt_buf_take(&b);
	return 0;
}
