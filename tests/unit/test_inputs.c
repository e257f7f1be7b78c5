/* Which captures a command line names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/inputs.h"

static char folder[] = "/tmp/karma-inputs-XXXXXX";
static const char *const files[] = {
	"b.pcap", "a.pcapng", "c.cap", "notes.txt", ".pcap", "x.pcap.bak"};

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[128];
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		f = fopen(path, "w");
		if (!f)
			return -1;
		fclose(f);
	}
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		unlink(path);
	}
	return rmdir(folder);
}

static void a_directory_is_its_captures(void **unused)
{
	char *names[] = {"one", folder, "-"};
	static const char *const want[] = {"one", "/a.pcapng", "/b.pcap", "/c.cap", "-"};
	struct inputs in;
	struct error e;

	(void)unused;
	assert_int_equal(inputs_expand(&in, names, 3, &e), 0);
	assert_int_equal(in.count, 5);
	for (size_t i = 0; i < in.count; i++)
		assert_string_equal(in.path[i] + (want[i][0] == '/' ? strlen(folder) : 0), want[i]);
	inputs_free(&in);
	assert_int_equal(in.count, 0);
}

static void a_directory_without_captures_is_an_error(void **unused)
{
	char empty[] = "/tmp/karma-inputs-XXXXXX";
	char *names[] = {empty};
	struct inputs in;
	struct error e;
	int code;

	(void)unused;
	assert_non_null(mkdtemp(empty));
	code = inputs_expand(&in, names, 1, &e);
	rmdir(empty);
	assert_true(code < 0);
	assert_non_null(strstr(e.text, "no *.pcap"));
	inputs_free(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_directory_is_its_captures),
		cmocka_unit_test(a_directory_without_captures_is_an_error),
	};

	return cmocka_run_group_tests_name("inputs", tests, make_folder, remove_folder);
}
