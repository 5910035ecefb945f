/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of admin/answer.h. */
#include "admin/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "base/file.h"

static struct errand errand;
static struct answer answer;

static int file_of(const char *text)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0 && fd_write_all(fd, text, strlen(text)));
	return fd;
}

static void expect(const char *output, const char *errors, int code, int status, const char *body)
{
	errand = (struct errand){.end_fd = -1,
				 .out_fd = file_of(output),
				 .err_fd = file_of(errors),
				 .prints_json = output[0] == '{' || strcmp(output, "[]\n") == 0};
	answer_init(&answer);
	answer_errand(&answer, &errand, code);
	assert_int_equal(answer.status, status);
	if (body == NULL)
		assert_int_equal(answer.file, errand.out_fd);
	else {
		assert_int_equal(answer.file, -1);
		assert_true(str_equals(buf_str(&answer.body), str_from_c(body)));
	}
	answer_done(&answer);
	errand_done(&errand);
}

#define ERROR(code) "{\"code\":\"" code "\",\"field\":\"a\",\"text\":\"t\"}"
#define ERRORS(code) "{\"error\":" ERROR(code) ",\"errors\":[" ERROR(code) "]}\n"

static void test_documents(void **state)
{
	expect("{\"a\":1}\n", "", 0, 200, NULL);
	expect("[]\n", ERROR("note") "\n", 0, 200, NULL);
	expect("{\"a\":1}\n", ERROR("note") "\n", 0, 200, "{\"notes\":[" ERROR("note") "],\"a\":1}");
	expect("{\n}\n", "", 1, 200, "{\"finding\":true}");
	expect("Kept.\n", "", 0, 200, "{\"text\":\"Kept.\\n\",\"notes\":[]}\n");
	expect("", "", 0, 200, "{\"text\":\"\",\"notes\":[]}\n");
	/* A line of a log is none. */
	expect("[22/Nov", "", 0, 200, "{\"text\":\"[22/Nov\",\"notes\":[]}\n");
}

static void test_errors(void **state)
{
	expect("", ERROR("invalid") "\n", 2, 400, ERRORS("invalid"));
	expect("half", ERROR("not_found") "\n", 2, 404, ERRORS("not_found"));
	expect("", ERROR("conflict") "\n", 2, 409, ERRORS("conflict"));
	expect("", ERROR("exists") "\n", 2, 409, ERRORS("exists"));
	expect("", ERROR("unavailable") "\n", 3, 503, ERRORS("unavailable"));
	expect("", ERROR("invalid") "\n", -1, 500, ERRORS("invalid"));
	expect("", "plain words\n", 2, 400,
	       "{\"error\":{\"code\":\"invalid\",\"field\":null,\"text\":\"plain words\"},"
	       "\"errors\":[{\"code\":\"invalid\",\"field\":null,\"text\":\"plain words\"}]}\n");
}

static void test_late(void **state)
{
	errand = (struct errand){.end_fd = -1, .out_fd = file_of(""), .err_fd = file_of(""), .is_late = true};
	answer_init(&answer);
	answer_errand(&answer, &errand, -1);
	assert_int_equal(answer.status, 504);
	answer_done(&answer);
	errand_done(&errand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
