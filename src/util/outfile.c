#include "util/outfile.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A device, a pipe: renaming a file onto it would put the file in its place. */
static bool is_special(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

int outfile_open(struct outfile *f, const char *path, struct error *e)
{
	memset(f, 0, sizeof(*f));
	if (strcmp(path, "-") == 0) {
		f->stream = stdout;
		return 0;
	}
	if (strlen(path) >= sizeof(f->path))
		return error_set(e, -ENAMETOOLONG, "%.64s...: the file name is too long", path);
	strcpy(f->path, path);
	if (!is_special(path))
		snprintf(f->beside, sizeof(f->beside), "%s.%d.part", path, (int)getpid());
	f->stream = fopen(f->beside[0] ? f->beside : path, "wb");
	if (!f->stream)
		return error_set(e, -errno,
			"%s: cannot be written: %s; choose a folder you may write to", path,
			strerror(errno));
	return 0;
}

int outfile_commit(struct outfile *f, struct error *e)
{
	int bad = fflush(f->stream) != 0 || ferror(f->stream);
	int code = errno;

	if (f->stream == stdout) {
		f->stream = NULL;
		return bad ? error_set(e, -EIO, "standard output: %s", strerror(code)) : 0;
	}
	if (!bad && f->beside[0] && fsync(fileno(f->stream)) != 0 && errno != EINVAL) {
		bad = 1;
		code = errno;
	}
	if (fclose(f->stream) != 0 && !bad) {
		bad = 1;
		code = errno;
	}
	f->stream = NULL;
	if (!bad && f->beside[0] && rename(f->beside, f->path) != 0) {
		bad = 1;
		code = errno;
	}
	if (!bad)
		return 0;
	if (f->beside[0])
		unlink(f->beside);
	return error_set(e, code ? -code : -EIO, "%s: not written: %s; is the disk full?", f->path,
		strerror(code));
}

void outfile_abort(struct outfile *f)
{
	if (!f->stream)
		return;
	if (f->stream != stdout) {
		fclose(f->stream);
		if (f->beside[0])
			unlink(f->beside);
	}
	f->stream = NULL;
}

int outfile_check(const char *path, struct error *e)
{
	struct outfile f;
	int err = outfile_open(&f, path, e);

	if (!err)
		outfile_abort(&f);
	return err;
}
