/* Files that are whole or not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/outfile.h"

static char folder[] = "/tmp/karma-outfile-XXXXXX";
static char path[128];

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/out", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder); /* fails where something was left in it */
}

static void it_is_there_when_it_is_committed(void **unused)
{
	struct outfile f;
	struct error e;

	(void)unused;
	assert_int_equal(outfile_open(&f, path, &e), 0);
	fputs("text", f.stream);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(outfile_commit(&f, &e), 0);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_not_equal(access(f.beside, F_OK), 0);
	outfile_abort(&f);
	assert_int_equal(access(path, F_OK), 0);
}

static void an_abort_leaves_what_was_there(void **unused)
{
	char text[8] = "";
	struct outfile f;
	struct error e;
	FILE *in;

	(void)unused;
	assert_int_equal(outfile_open(&f, path, &e), 0);
	fputs("new", f.stream);
	outfile_abort(&f);
	assert_int_not_equal(access(f.beside, F_OK), 0);
	in = fopen(path, "r");
	assert_non_null(in);
	assert_non_null(fgets(text, sizeof(text), in));
	fclose(in);
	assert_string_equal(text, "text");
}

static void a_pipe_stays_a_pipe(void **unused)
{
	char fifo[160];
	struct outfile f;
	struct error e;
	struct stat st;
	FILE *reader;

	(void)unused;
	snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	reader = fopen(fifo, "r+");
	assert_non_null(reader);
	assert_int_equal(outfile_open(&f, fifo, &e), 0);
	fputs("text\n", f.stream);
	assert_int_equal(outfile_commit(&f, &e), 0);
	assert_int_equal(stat(fifo, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	fclose(reader);
	unlink(fifo);
}

static void where_nothing_can_be_written_it_is_said(void **unused)
{
	char there[160];
	struct outfile f;
	struct error e;

	(void)unused;
	snprintf(there, sizeof(there), "%s/no/such", folder);
	assert_true(outfile_open(&f, there, &e) < 0);
	assert_non_null(strstr(e.text, there));
	outfile_abort(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_there_when_it_is_committed),
		cmocka_unit_test(an_abort_leaves_what_was_there),
		cmocka_unit_test(a_pipe_stays_a_pipe),
		cmocka_unit_test(where_nothing_can_be_written_it_is_said),
	};

	return cmocka_run_group_tests_name("outfile", tests, make_folder, remove_folder);
}
