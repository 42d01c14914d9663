/* Spans of several processes, one of them killed, read back from the file. */
#include "mp/trace.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mp/process.h"
#include "tap.h"

static char directory[] = "/tmp/rawmp-trace-XXXXXX";
static char path[64];
static char text[1 << 20];

static const char *written(void)
{
	FILE *f;
	size_t n;

	if (mp_trace_write(path) < 0 || (f = fopen(path, "re")) == NULL)
		return "";
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

static int count(const char *in, const char *what)
{
	int n = 0;

	while ((in = strstr(in, what)) != NULL) {
		n++;
		in++;
	}
	return n;
}

static int works_in_child(void *unused)
{
	(void)unused;
	mp_trace_begin(MP_TRACE_WAIT, "waits");
	mp_trace_begin(MP_TRACE_HOLD, "holds");
	mp_trace_end();
	mp_trace_end();
	return 3;
}

static int dies_holding(void *unused)
{
	(void)unused;
	mp_trace_begin(MP_TRACE_HOLD, "held for ever");
	raise(SIGKILL);
	return 0;
}

static void run(int (*target)(void *))
{
	struct mp_process p;

	mp_process_init(&p, target, NULL, NULL);
	if (mp_process_start(&p) < 0)
		errx(1, "start");
	mp_process_join(&p, -1);
	mp_process_close(&p);
}

static void records(void)
{
	const char *json;

	is(mp_trace_on(), 0, "off at first");
	mp_trace_mark("nobody sees this");
	is(mp_trace_write(path), -EINVAL, "nothing to write");
	is(mp_trace_start(0), -EINVAL, "no slots are refused");
	is(mp_trace_start(SIZE_MAX / 8), -EINVAL, "so are too many");
	is(mp_trace_start(64), 0, "on");
	is(mp_trace_start(64), -EALREADY, "once is enough");

	mp_trace_lane("main \"quoted\"\n");
	mp_trace_begin(MP_TRACE_RUN, "computes");
	run(works_in_child);
	run(dies_holding);
	mp_trace_mark("middle");
	mp_trace_count("level", -2);
	json = written();
	is(count(json, "\"thread_name\""), 4,
	   "a lane for each process, and the first one's new name");
	is(count(json, "\"ph\":\"X\""), 6, "six spans");
	is(count(json, "\"cat\":\"wait\""), 1, "one of waiting");
	is(count(json, "\"cat\":\"hold\""), 2, "two of holding");
	is(count(json, "\"open\":true"), 3,
	   "three that nobody closed: ours, the killed process and its span");
	is(count(json, "\"exited (3)\""), 1, "one exit with its status");
	is(count(json, "\"killed (signal 9)\""), 1,
	   "one death with its signal");
	is(count(json, "main \\\"quoted\\\"\\u000a"), 1, "names are escaped");
	is(count(json, "\"ph\":\"C\"") + count(json, "{\"value\":-2}"), 2,
	   "a number and its value");
	is(count(json, "nobody sees this"), 0, "nothing from before");
	mp_trace_end();
}

static void is_valid_json(void)
{
	char command[256];

	snprintf(
		command, sizeof(command),
		"python3 -c 'import json,sys; json.load(open(sys.argv[1]))' %s",
		path);
	if (system("command -v python3 >/dev/null") != 0)
		tap_skip("the file is JSON", "no python3");
	else
		is(system(command), 0, "the file is JSON");
}

static void overflows(void)
{
	const char *json;

	mp_trace_stop();
	mp_trace_start(4);
	for (int i = 0; i < 10; i++)
		mp_trace_mark("x");
	json = written();
	is(count(json, "\"ph\":\"i\""), 3, "four slots: a lane and 3 marks");
	ok(strstr(json, "\"dropped\":7") != NULL, "the file says: 7 dropped");
}

static void cuts_names(void)
{
	const char *json;

	mp_trace_stop();
	mp_trace_start(4);
	/* 38 bytes and a letter of two bytes: 39 fit, half a letter does not */
	mp_trace_mark("12345678901234567890123456789012345678\xc3\xa9");
	json = written();
	ok(strstr(json, "45678\"") != NULL, "a name is cut between letters");
}

static void bad_paths(void)
{
	char gone[128], full[128];

	snprintf(gone, sizeof(gone), "%s/none/t.json", directory);
	is(mp_trace_write(gone), -ENOENT, "a directory that is not there");
	if (access("/dev/full", W_OK) == 0) {
		snprintf(full, sizeof(full), "%s/d", directory);
		mkdir(full, 0700);
		ok(mp_trace_write(full) < 0, "a directory in its place");
		rmdir(full);
	}
	unlink(path);
	is(rmdir(directory), 0, "no half-written file is left");
}

int main(void)
{
	int before = tap_descriptors();

	if (mkdtemp(directory) == NULL)
		err(1, "%s", directory);
	snprintf(path, sizeof(path), "%s/t.json", directory);
	records();
	is_valid_json();
	overflows();
	cuts_names();
	bad_paths();
	is(mp_trace_stop(), 0, "stopped");
	is(mp_trace_stop(), 0, "stopping twice does nothing");
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
