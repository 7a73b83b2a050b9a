// SPDX-License-Identifier: MIT
/*
 * apart.c - asks a source in a process of its own, which is left where it does not come back; and
 * what any such process needs.
 *
 * Whoever rules Dom0's kernel decides when a read of /proc returns, or an ioctl, if it ever does;
 * and a call that the kernel does not return from, no signal ends.  A thread in it would keep us
 * from ending, too.  A child keeps nobody up, and there is one at most for each source.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "judge.h"
#include "ks_clock.h"

/* So much text of an answer is taken. */
#define ANSWER_BYTES_MAX (128U << 20)
/* While an answer is waited for, it is asked so often whether the round is to be broken off. */
#define SLICE_MS 100
/* And so long for the end of who has said all, or was killed. */
#define END_MS 1000

/* === The child ========================================================== */

/* What is wanted of the source: one of these; or nothing, but whether it is there. */
struct wanted {
	struct sample *sample;
	const json_t *items;            /* which of these come and go, by @names */
	const char *const *names;
};

static bool say(FILE *to, const struct source *source, const struct wanted *wanted)
{
	const struct source_type *type = source->type;
	struct blindness blind = { 0 };
	struct sample sample = { 0 };
	bool done = true;
	json_t *answer;

	if (wanted->items)
		sample.records = changing_of(source, wanted->items, wanted->names, &blind);
	else if (wanted->sample)
		done = type->take(source->state, &sample, &blind);
	else if (type->there)
		done = type->there(source->state, &blind);
	answer = json_pack("{sbss?sssbso?}", "done", done, "reason", blind.reason, "words", blind.words, "absent",
			   blind.absent != NULL, "records", sample.records);
	return answer && !json_dumpf(answer, to, JSON_COMPACT) && !fflush(to);
}

#define KEPT_MAX 2

void become_apart(int dead, const int *kept, int count)
{
	int own[KEPT_MAX], behind = STDERR_FILENO + 1 + count;
	sigset_t all;

	/* ^C is for who waits for us: he says what came of it. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Where none of those that are replaced is in the way. */
	dead = fcntl(dead, F_DUPFD, behind);
	for (int i = 0; i < count; i++)
		own[i] = fcntl(kept[i], F_DUPFD, behind);
	for (int fd = 0; fd < behind; fd++)
		if (dup2(fd <= STDERR_FILENO ? dead : own[fd - STDERR_FILENO - 1], fd) != fd)
			_exit(1);
	close_range((unsigned int)behind, ~0U, 0);
}

static _Noreturn void be_child(const struct source *source, const struct wanted *wanted, const int ends[2])
{
	FILE *answer;

	become_apart(ends[0], &ends[1], 1);
	answer = fdopen(STDERR_FILENO + 1, "w");
	_exit(answer && say(answer, source, wanted) ? 0 : 1);
}

/* === Who waits ========================================================== */

struct apart {
	struct canary *c;
	struct source *source;
	struct blindness *blind;
	int64_t until_ms;
	char *text;
	size_t bytes, size;
};

/* 1: there is something to read; 0: not yet; -1: nobody waits any longer, with why. */
static int wait_for(const struct apart *a, int fd)
{
	const struct canary_options *options = a->c->options;
	struct pollfd answer = { .fd = fd, .events = POLLIN };

	if (ks_now_ms() >= a->until_ms) {
		blind_for(a->blind, "timeout", "looking at %s took more than %g s, and was given up",
			  a->source->type->name, REPLY_TIMES * options->timeout_ms / 1000.0);
		return -1;
	}
	if (poll(&answer, 1, SLICE_MS) > 0)
		return 1;
	if (!options->pause(options->context, 0)) {
		a->c->interrupted = true;
		blind_for(a->blind, "interrupted", "interrupted while it waited for %s", a->source->type->name);
		return -1;
	}
	return 0;
}

static bool make_room(struct apart *a)
{
	size_t size = 2 * a->size + 65536;
	char *larger;

	if (a->bytes < a->size)
		return true;
	if (a->size > ANSWER_BYTES_MAX) {
		blind_for(a->blind, "incomplete", "%s says more than is looked at", a->source->type->name);
		return false;
	}
	larger = realloc(a->text, size);
	if (!larger) {
		blind_for(a->blind, "no-memory", "there is no memory");
		return false;
	}
	a->text = larger;
	a->size = size;
	return true;
}

/* All that it says.  False: not all of it, with why. */
static bool hear(struct apart *a, int fd)
{
	for (;;) {
		int ready = wait_for(a, fd);
		ssize_t got;

		if (ready < 0 || !make_room(a))
			return false;
		if (!ready)
			continue;
		got = read(fd, a->text + a->bytes, a->size - a->bytes);
		if (!got)
			return true;
		if (got > 0) {
			a->bytes += (size_t)got;
		} else if (errno != EINTR) {
			blind_for(a->blind, "unreadable", "%s: %s", a->source->type->name, strerror(errno));
			return false;
		}
	}
}

bool is_over(pid_t child)
{
	return waitpid(child, NULL, WNOHANG) != 0;
}

bool end_apart(pid_t child)
{
	static const struct timespec moment = { .tv_nsec = 1000000 };
	int64_t until_ms = ks_deadline_ms(END_MS);

	kill(child, SIGKILL);
	while (!is_over(child)) {
		if (ks_now_ms() >= until_ms)
			return false;
		nanosleep(&moment, NULL);
	}
	return true;
}

static const char *reason_called(const char *name)
{
	for (size_t i = 0; canary_reasons[i]; i++)
		if (!strcmp(canary_reasons[i], name))
			return canary_reasons[i];
	return "unreadable";
}

static bool understand(const struct apart *a, struct sample *sample)
{
	json_t *answer = json_loadb(a->text, a->bytes, 0, NULL), *records = json_object_get(answer, "records");
	const char *reason = json_string_value(json_object_get(answer, "reason"));
	bool done = json_is_true(json_object_get(answer, "done"));

	if (!answer)
		blind_for(a->blind, "unreadable", "%s: the process that looked did not come to its end",
			  a->source->type->name);
	if (reason)
		blind_for(a->blind, reason_called(reason), "%s", string_of(answer, "words"));
	if (json_is_true(json_object_get(answer, "absent")))
		a->blind->absent = a->source->type->name;
	if (sample && json_is_array(records))
		sample->records = json_incref(records);
	json_decref(answer);
	return done;
}

/* It was not to be had in this round, or who went for it is still away. */
static bool is_late(const struct canary *c, struct source *source, struct blindness *blind)
{
	if (source->left && !is_over(source->left)) {
		blind_for(blind, "timeout", "process %d went to look at %s, does not come back, and cannot be ended",
			  (int)source->left, source->type->name);
		return true;
	}
	source->left = 0;
	if (!source->late.reason || source->late_round != c->begun)
		return false;
	*blind = source->late;
	return true;
}

static bool ask_apart(struct canary *c, struct source *source, const struct wanted *wanted,
		      struct blindness *blind)
{
	struct apart a = {
		.c = c, .source = source, .blind = blind,
		.until_ms = ks_deadline_ms((int64_t)REPLY_TIMES * c->options->timeout_ms),
	};
	bool heard, done = false;
	pid_t child = -1;
	int ends[2];

	if (is_late(c, source, blind))
		return false;
	if (pipe2(ends, O_CLOEXEC)) {
		blind_for(blind, "unreadable", "a pipe: %s", strerror(errno));
		return false;
	}
	child = fork();
	if (!child)
		be_child(source, wanted, ends);
	close(ends[1]);
	if (child < 0) {
		blind_for(blind, errno == ENOMEM ? "no-memory" : "unreadable", "a process to look at %s: %s",
			  source->type->name, strerror(errno));
		close(ends[0]);
		return false;
	}
	heard = hear(&a, ends[0]);
	close(ends[0]);
	/* It has said all that is heard. */
	if (!end_apart(child))
		source->left = child;
	if (heard) {
		done = understand(&a, wanted->sample);
	} else {
		source->late = *blind;
		source->late_round = c->begun;
	}
	free(a.text);
	return done;
}

/* === Interface ========================================================== */

bool take_apart(struct canary *c, struct source *source, struct sample *sample, struct blindness *blind)
{
	return ask_apart(c, source, &(struct wanted){ .sample = sample }, blind);
}

bool there_apart(struct canary *c, struct source *source, struct blindness *blind)
{
	return ask_apart(c, source, &(struct wanted){ 0 }, blind);
}

json_t *changing_apart(struct canary *c, struct source *source, const json_t *items, const char *const *names,
		       struct blindness *blind)
{
	struct sample sample = { 0 };

	ask_apart(c, source, &(struct wanted){ .sample = &sample, .items = items, .names = names }, blind);
	return sample.records;
}
