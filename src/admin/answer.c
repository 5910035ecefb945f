/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/answer.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "ctl/ctl.h"

enum {
	BODY_MAX = 64 << 20,
	FIELDS_MAX = 4096,
	ERRORS_MAX = 1 << 20,
};

void answer_init(struct answer *answer)
{
	*answer = (struct answer){.status = 200,
				  .body = BUF_INIT(BODY_MAX),
				  .fields = BUF_INIT(FIELDS_MAX),
				  .file = -1};
}

void answer_done(struct answer *answer)
{
	buf_wipe(&answer->body);
	buf_wipe(&answer->fields);
}

static void json_append(struct buf *to, json_t *document)
{
	char *text = json_dumps(document, JSON_COMPACT);

	CHECK(text != NULL);
	buf_append_c(to, text);
	buf_append_char(to, '\n');
	free(text);
	json_decref(document);
}

/* `errors`, not empty, is taken over: the first one counts. */
static void errors_answer(struct answer *answer, int status, json_t *errors)
{
	answer->status = status;
	answer->file = -1;
	buf_reset(&answer->body);
	json_append(&answer->body, json_pack("{s:O, s:o}", "error", json_array_get(errors, 0),
					     "errors", errors));
}

static json_t *error_json(const char *code, const char *field, const char *text)
{
	return json_pack("{s:s, s:s?, s:s}", "code", code, "field", field, "text", text);
}

void answer_error(struct answer *answer, int status, const char *code, const char *field,
		  const char *text)
{
	errors_answer(answer, status, json_pack("[o]", error_json(code, field, text)));
}

int answer_status(const char *code)
{
	static const struct {
		const char *code;
		int status;
	} rows[] = {
		{"not_found", 404}, {"exists", 409},	{"conflict", 409}, {"busy", 409},
		{"denied", 403},    {"too_large", 413}, {"unavailable", 503}, {"no_space", 507},
		{"io", 503},	    {"corrupt", 503},	{"memory", 503},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].code, code) == 0)
			return rows[i].status;
	return 400;
}

/* What was said of errors: objects, a line each. Other words (a library's) become the text of one. */
static json_t *errors_read(int fd)
{
	struct buf text = BUF_INIT(ERRORS_MAX);
	json_t *errors = json_array();

	if (lseek(fd, 0, SEEK_SET) != 0 || fd_read_file(fd, &text) != FAULT_NONE)
		buf_reset(&text);
	for (struct str rest = buf_str(&text); rest.len > 0;) {
		struct str line = str_cut(&rest, '\n');
		json_t *error = json_loadb(line.ptr, line.len, 0, NULL);
		if (!json_is_object(error) || !json_is_string(json_object_get(error, "code"))) {
			json_decref(error);
			error = error_json("invalid", NULL, "");
			json_object_set_new(error, "text", json_text(line));
		}
		json_array_append_new(errors, error);
	}
	buf_done(&text);
	return errors;
}

static const char *first_code(json_t *errors)
{
	return json_string_value(json_object_get(json_array_get(errors, 0), "code"));
}

static void failure_answer(struct answer *answer, json_t *errors, int code)
{
	int status = code == CTL_NOT_RUNNING ? 503 : code == CTL_USAGE ? 400 : 500;

	if (json_array_size(errors) == 0)
		json_array_append_new(
			errors, error_json("internal", NULL,
					   "the command ended without a word; error.log may tell why"));
	else if (code == CTL_USAGE)
		status = answer_status(first_code(errors));
	errors_answer(answer, status, errors);
}

/* The output of a command that prints no document. */
static void text_answer(struct answer *answer, struct str output, json_t *notes, bool is_finding)
{
	json_t *document = json_pack("{s:o, s:o}", "text", json_text(output), "notes", notes);

	if (is_finding)
		json_object_set_new(document, "finding", json_true());
	json_append(&answer->body, document);
}

/* A document gets members more; it is not read for that, for it may be large. */
static void document_answer(struct answer *answer, struct str output, json_t *notes, bool is_finding)
{
	struct str rest = str_trim(str_from(output, 1));

	buf_append_c(&answer->body, is_finding ? "{\"finding\":true" : "{");
	if (json_array_size(notes) > 0) {
		char *text = json_dumps(notes, JSON_COMPACT);
		CHECK(text != NULL);
		buf_printf(&answer->body, "%s\"notes\":", is_finding ? "," : "");
		buf_append_c(&answer->body, text);
		free(text);
	}
	if (rest.len > 0 && rest.ptr[0] != '}')
		buf_append_char(&answer->body, ',');
	buf_append_str(&answer->body, rest);
	json_decref(notes);
}

static void output_answer(struct answer *answer, const struct errand *errand, struct str output,
			  json_t *notes, bool is_finding)
{
	bool is_document = output.len > 0 && (errand->prints_json || output.ptr[0] == '{');
	bool is_plain = !is_finding && json_array_size(notes) == 0;

	if (is_document && (is_plain || output.ptr[0] == '[')) {
		answer->file = errand->out_fd;
		json_decref(notes);
	} else if (is_document)
		document_answer(answer, output, notes, is_finding);
	else
		text_answer(answer, output, notes, is_finding);
}

void answer_errand(struct answer *answer, const struct errand *errand, int code)
{
	json_t *errors = errors_read(errand->err_fd);
	struct stat status;

	if (errand->is_late) {
		json_decref(errors);
		answer_error(answer, 504, "late", NULL,
			     "it took too long and was given up; look whether it was done");
		return;
	}
	size_t len = fstat(errand->out_fd, &status) == 0 ? (size_t)status.st_size : 0;
	/* A document that tells of errors itself, as `check` and `cert list` do, is an answer. */
	if (code == CTL_USAGE && errand->prints_json && len > 0 && json_array_size(errors) == 0)
		code = CTL_FINDING;
	if (code != CTL_DONE && code != CTL_FINDING) {
		failure_answer(answer, errors, code);
		return;
	}
	void *map = len == 0 ? NULL : mmap(NULL, len, PROT_READ, MAP_SHARED, errand->out_fd, 0);
	if (map == MAP_FAILED)
		map = NULL;
	output_answer(answer, errand, str_make(map, map == NULL ? 0 : len), errors,
		      code == CTL_FINDING);
	if (map != NULL)
		munmap(map, len);
}

void answer_ended(struct answer *answer, const struct errand *errand, int code)
{
	json_t *errors = errors_read(errand->err_fd);

	if (code != CTL_DONE && code != CTL_FINDING) {
		failure_answer(answer, errors, code);
		return;
	}
	json_decref(errors);
	buf_append_c(&answer->body, "{}");
}
