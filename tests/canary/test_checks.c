// SPDX-License-Identifier: MIT
/*
 * The built-in checks, each alone, on recorded views: what is found, and what is no finding.
 *
 * Wrong in the world if this fails: a module, a socket or a file that is hidden or changed is not
 * told of, or what is as it should be is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../canary/judge.h"
#include "json_of.h"

/* === The world ========================================================== */

/* What each source says: of a sensor its records, as JSON with ' for "; NULL: it is absent. */
static struct played {
	const char *name, *says, *then; /* "then": from the second question on, if it is set */
	unsigned int asked;
} played[] = {
	{ .name = "xen" }, { .name = "module" }, { .name = "proc-modules" }, { .name = "sys-module" },
	{ .name = "proc-net" }, { .name = "sock-diag" }, { .name = "xenstore" },
};

#define SOURCES (sizeof(played) / sizeof(played[0]))

static struct played *source(const char *name)
{
	for (size_t i = 0; i < SOURCES; i++)
		if (!strcmp(played[i].name, name))
			return &played[i];
	fail_msg("no source %s", name);
	return NULL;
}

static void *open_played(const struct canary_options *options)
{
	static unsigned int opened;

	(void)options;
	return &played[opened++ % SOURCES];
}

static void close_played(void *state)
{
	(void)state;
}

static bool there(void *state, struct blindness *blind)
{
	const struct played *this = state;

	if (this->says)
		return true;
	blind_for(blind, "unreadable", "no %s", this->name);
	return false;
}

static bool take(void *state, struct sample *sample, struct blindness *blind)
{
	struct played *this = state;

	if (!there(state, blind))
		return false;
	*sample = (struct sample){ .records = json_of(this->asked++ && this->then ? this->then : this->says),
				   .from = 100,
				   .next = 1000 };
	return true;
}

/* A sensor that lets us ask for samples, and whose probes have made passes since. */
static json_t *status(void *state, struct blindness *blind)
{
	static const char *const probes[] = {
		"dom0-roots", "processes", "modules", "files", "open-files", "xen-access", "kernel-text",
		"kernel-entries", "xen-domains", "domains",
	};
	json_t *status = there(state, blind) ? json_of("{'time': 100, 'control': true, 'probes': []}") : NULL;

	for (size_t i = 0; status && i < sizeof(probes) / sizeof(probes[0]); i++)
		json_array_append_new(json_object_get(status, "probes"),
				      json_pack("{sssi}", "name", probes[i], "whole_start_ns", 100));
	return status;
}

static bool records(void *state, const struct asking *asking, json_t *records, struct blindness *blind)
{
	struct played *this = state;
	json_t *says, *record;
	size_t i;

	if (!there(state, blind))
		return false;
	says = json_of(this->asked && this->then ? this->then : this->says);
	this->asked += asking->how == ASK_FRESH;
	json_array_foreach(says, i, record) {
		const char *kind = json_string_value(json_object_get(record, "kind"));

		if (asking->kind && strcmp(kind, asking->kind))
			continue;
		if (asking->probe)
			json_object_set_new(record, "probe", json_string(asking->probe));
		json_array_append(records, record);
	}
	json_decref(says);
	return true;
}

#define PLAYED(is) { .name = is, .open = open_played, .close = close_played, .there = there, .take = take }
#define SENSOR(is) \
	{ \
		.name = is, .is_sensor = true, .open = open_played, .close = close_played, .there = there, \
		.status = status, .records = records \
	}

/* In the order of what is played. */
static const struct source_type source_types[SOURCES] = {
	SENSOR("xen"), SENSOR("module"), PLAYED("proc-modules"), PLAYED("sys-module"), PLAYED("proc-net"),
	PLAYED("sock-diag"), PLAYED("xenstore"),
};

/* === The canary's user ================================================== */

static json_t *raised;

static void on_raised(void *context, const json_t *finding)
{
	(void)context;
	json_array_append_new(raised, json_deep_copy(finding));
}

static bool does_not_wait(void *context, double seconds)
{
	(void)context;
	(void)seconds;
	return true;
}

static struct canary_options options = { .raised = on_raised, .pause = does_not_wait };

static int begin(void **state)
{
	(void)state;
	raised = json_array();
	for (size_t i = 0; i < SOURCES; i++)
		played[i] = (struct played){ .name = source_types[i].name };
	return 0;
}

static int end(void **state)
{
	(void)state;
	json_decref(raised);
	return 0;
}

/* The words of the first check's verdict in the last round. */
static char said[512];

/* One round of the built-in checks called @names; the first one's verdict and reason. */
static const char *verdict(const char *names)
{
	static char text[256];
	const struct source_type *types[SOURCES + 1] = { NULL };
	json_t *built_in = json_load_file("canary/checks.json", 0, NULL), *check, *coverage;
	json_t *alone = json_pack("{s[]}", "checks");
	struct canary *c;
	char error[256], padded[256], wanted[64];
	const char *reason;
	size_t i;

	snprintf(padded, sizeof(padded), " %s ", names);
	json_array_foreach(json_object_get(built_in, "checks"), i, check) {
		snprintf(wanted, sizeof(wanted), " %s ", json_string_value(json_object_get(check, "check")));
		if (strstr(padded, wanted))
			json_array_append(json_object_get(alone, "checks"), check);
	}
	json_decref(built_in);
	for (i = 0; i < SOURCES; i++)
		types[i] = &source_types[i];
	c = canary_open_with(&options, types, alone, "checks.json", error, sizeof(error));
	if (!c)
		fail_msg("%s", error);
	assert_true(canary_round(c));
	coverage = canary_coverage(c);
	check = json_array_get(json_object_get(coverage, "checks"), 0);
	reason = json_string_value(json_object_get(check, "reason"));
	snprintf(said, sizeof(said), "%s", string_of(check, "words"));
	snprintf(text, sizeof(text), "%s %s", json_string_value(json_object_get(check, "verdict")),
		 reason ? reason : "-");
	json_decref(coverage);
	canary_close(c);
	return text;
}

/* All findings: "NAME SEVERITY", in order, with commas between them. */
static const char *findings(void)
{
	static char text[1024];
	json_t *finding;
	size_t i, at = 0;

	text[0] = '\0';
	json_array_foreach(raised, i, finding)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s %s", i ? ", " : "",
				       json_string_value(json_object_get(finding, "finding")),
				       json_string_value(json_object_get(finding, "severity")));
	return text;
}

/* The first finding's sentence. */
static const char *sentence(void)
{
	return json_string_value(json_object_get(json_array_get(raised, 0), "what"));
}

#define COMMON(seq, kind) "{'seq': " #seq ", 'time': 100, 'kind': '" kind "', 'event': 'present', "

/* === Processes ========================================================== */

#define PROCESS(seq, pid, root, user_root) \
	COMMON(seq, "process") "'pid': " #pid ", 'start_ns': 5, 'comm': 'sh', 'exe': '/bin/sh', " \
	"'root': '" root "', 'user_root': '" user_root "'}"
#define ROOT(seq, frame, role) COMMON(seq, "root") "'frame': '" frame "', 'role': '" role "', 'first_seen_ns': 7}"
#define DOM0 COMMON(90, "dom0") "'frames': 'machine', 'complete': true}"
#define TASK(seq, tid, pid, root, user_root) \
	COMMON(seq, "hidden") "'tid': " #tid ", 'pid': " #pid ", 'start_ns': 5, 'task': '0xf" #tid "', " \
	"'comm': 'evil', 'missing': 'pid-table', 'root': '" root "', 'user_root': '" user_root "'}"

/* Its two page-table roots, and each of its threads, are one deed; another process is another. */
static void hidden_process_is_one(void **state)
{
	json_t *also;

	(void)state;
	source("xen")->says = "[" ROOT(1, "0x1", "kernel") "," ROOT(2, "0x2", "user") ","
			      ROOT(3, "0x11", "kernel") "," ROOT(4, "0x12", "user") ","
			      ROOT(5, "0x21", "kernel") "," DOM0 "]";
	source("module")->says = "[" PROCESS(1, 1, "0x1", "0x2") "," TASK(2, 66, 66, "0x11", "0x12") ","
				 TASK(3, 67, 66, "0x11", "0x12") "," TASK(4, 70, 70, "0x0", "0x0") "]";
	assert_string_equal(verdict("processes hidden-tasks"), "differs -");
	assert_string_equal(findings(), "hidden-process critical, hidden-process critical, hidden-task critical");
	also = json_object_get(json_array_get(raised, 0), "also");
	assert_int_equal(json_array_size(also), 3);
	assert_string_equal(json_string_value(json_object_get(json_array_get(also, 1), "what")),
			    "Dom0's kernel runs a task 66 (evil), which is missing in pid-table");
	assert_int_equal(json_array_size(json_object_get(json_array_get(raised, 1), "also")), 0);
}

/* === Modules ============================================================ */

#define MODULE(seq, name, at, state) \
	COMMON(seq, "module") "'name': '" name "', 'module': '" at "', 'base': '0x1000', " \
	"'size_bytes': 4096, 'state': '" state "'}"
#define HIDDEN(seq, name, at, seen) COMMON(seq, "hidden") "'name': '" name "', 'module': '" at "', 'seen': '" seen "'}"
#define NAMES(list) "[" list "]"
#define NAME(is) "{'name': '" is "'}"

static void modules_agree(void **state)
{
	(void)state;
	source("module")->says = NAMES(MODULE(1, "ext4", "0x10", "live") "," MODULE(2, "loop", "0x20", "loading"));
	source("proc-modules")->says = source("sys-module")->says = NAMES(NAME("loop") "," NAME("ext4"));
	assert_string_equal(verdict("modules-in-proc"), "agrees -");
	assert_string_equal(verdict("modules-in-sysfs"), "agrees -");
}

static void module_left_out_of_proc(void **state)
{
	(void)state;
	source("module")->says = NAMES(MODULE(1, "ext4", "0x10", "live") "," MODULE(2, "rootkit", "0x20", "live"));
	source("proc-modules")->says = NAMES(NAME("ext4"));
	assert_string_equal(verdict("modules-in-proc"), "differs -");
	assert_string_equal(findings(), "module-not-in-proc critical");
	assert_string_equal(sentence(), "the module rootkit (4096 bytes at 0x1000, live) is in the list of Dom0's "
					"kernel, and not in /proc/modules");
}

static void module_made_up(void **state)
{
	(void)state;
	source("module")->says = NAMES(MODULE(1, "ext4", "0x10", "live"));
	source("proc-modules")->says = source("sys-module")->says = NAMES(NAME("ext4") "," NAME("innocent"));
	assert_string_equal(verdict("modules-in-proc"), "differs -");
	assert_string_equal(verdict("modules-in-sysfs"), "differs -");
	assert_string_equal(findings(), "module-only-in-proc high, module-only-in-sysfs critical");
}

/* Another one has its name, so that /proc/modules has the name that the kernel has. */
static void module_takes_a_name(void **state)
{
	(void)state;
	source("module")->says = NAMES(MODULE(1, "ext4", "0x10", "live") "," MODULE(2, "ext4", "0x20", "live"));
	source("sys-module")->says = NAMES(NAME("ext4") "," NAME("rootkit"));
	assert_string_equal(verdict("modules-in-sysfs"), "differs -");
	assert_string_equal(findings(), "module-only-in-sysfs critical");
}

/* The line of one excuses one: who has the name of another, and is left out, is found. */
static void module_by_a_name_that_is_taken(void **state)
{
	(void)state;
	source("module")->says = NAMES(MODULE(1, "ext4", "0x20", "live") "," MODULE(2, "loop", "0x30", "live") ","
				       MODULE(3, "ext4", "0x10", "live"));
	source("proc-modules")->says = NAMES(NAME("ext4") "," NAME("loop"));
	assert_string_equal(verdict("modules-in-proc"), "differs -");
	assert_string_equal(findings(), "module-not-in-proc critical");
	assert_string_equal(json_string_value(json_object_get(json_object_get(json_array_get(raised, 0), "where"),
							      "module")), "0x20");
	/* Where programs are told of both, nobody is left out. */
	source("proc-modules")->says = NAMES(NAME("ext4") "," NAME("loop") "," NAME("ext4"));
	assert_string_equal(verdict("modules-in-proc"), "agrees -");
}

/* It may have no folder before it is live, and when it goes; that takes its time. */
static void module_without_folder(void **state)
{
	(void)state;
	source("module")->says = NAMES(MODULE(1, "comes", "0x10", "loading") ","
				       MODULE(2, "goes", "0x20", "unloading"));
	source("sys-module")->says = NAMES("");
	assert_string_equal(verdict("modules-in-sysfs"), "agrees -");
	source("module")->says = NAMES(MODULE(1, "ext4", "0x10", "live"));
	assert_string_equal(verdict("modules-in-sysfs"), "differs -");
	assert_string_equal(findings(), "module-not-in-sysfs critical");
}

/* What is hidden is another check's finding; its folder is no second one. */
static void module_hidden_with_folder(void **state)
{
	(void)state;
	source("module")->says = NAMES(MODULE(1, "ext4", "0x10", "live") "," HIDDEN(2, "rootkit", "0x20", "sysfs"));
	source("sys-module")->says = NAMES(NAME("ext4") "," NAME("rootkit"));
	assert_string_equal(verdict("modules-in-sysfs"), "agrees -");
}

/* Missing in two places, it is one deed. */
static void module_missing_twice(void **state)
{
	(void)state;
	source("module")->says = NAMES(MODULE(1, "ext4", "0x10", "live") "," MODULE(2, "rootkit", "0x20", "live"));
	source("proc-modules")->says = source("sys-module")->says = NAMES(NAME("ext4"));
	assert_string_equal(verdict("modules-in-proc modules-in-sysfs"), "differs -");
	assert_string_equal(findings(), "module-not-in-proc critical");
}

#define VIEW(seq, name, waits) COMMON(seq, "view") "'name': '" name "', 'available': true, 'waits': " #waits "}"

/* What the sensor does not tell yet is no agreement. */
static void sensor_has_patience(void **state)
{
	static const struct {
		const char *says, *check, *verdict;
	} cases[] = {
		{ "[" VIEW(1, "vm-areas", true) "," VIEW(2, "module-tree", false) "]",
		  "unowned-code", "unconfirmed -" },
		{ "[" VIEW(1, "vm-areas", false) "," VIEW(2, "module-tree", true) "]",
		  "unowned-code", "agrees -" },
		{ "[" VIEW(1, "vm-areas", false) "," VIEW(2, "module-tree", true) "]",
		  "hidden-modules", "unconfirmed -" },
		{ "[" VIEW(1, "sysfs", true) "," VIEW(2, "module-tree", false) "]",
		  "hidden-modules", "unconfirmed -" },
		{ "[" VIEW(1, "vm-areas", true) "," VIEW(2, "module-tree", false) "]",
		  "hidden-modules", "agrees -" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		source("module")->says = cases[i].says;
		assert_string_equal(verdict(cases[i].check), cases[i].verdict);
	}
	assert_string_equal(findings(), "");
}

static void module_goes_while_looked_at(void **state)
{
	(void)state;
	source("module")->says = NAMES(MODULE(1, "ext4", "0x10", "live") "," MODULE(2, "loop", "0x20", "live"));
	source("module")->then = NAMES(MODULE(3, "ext4", "0x10", "live"));
	source("proc-modules")->says = source("sys-module")->says = NAMES(NAME("ext4"));
	assert_string_equal(verdict("modules-in-proc"), "agrees -");
	source("module")->asked = 0;
	assert_string_equal(verdict("modules-in-sysfs"), "agrees -");
}

static void modules_unreadable(void **state)
{
	(void)state;
	source("module")->says = NAMES(MODULE(1, "ext4", "0x10", "live"));
	assert_string_equal(verdict("modules-in-proc"), "blind unreadable");
	assert_string_equal(verdict("modules-in-sysfs"), "blind unreadable");
	assert_string_equal(findings(), "");
}

/* === Files ============================================================== */

/* As it is: contents, inode, time, mode, owner, group; and what of it was otherwise at first. */
#define FILE_IS(first) \
	"[" COMMON(1, "file") "'path': '/bin/login', 'state': 'file', 'pseudo': false, 'sha256': 'aa', " \
	"'inode': '0x5', 'mtime': 50, " \
	"'mtime_ns': 7, 'mode': '755', 'uid': 0, 'gid': 0, 'size': 9, 'ctime': 60" first "}]"
#define PATH_IS(path, state, pseudo, first) \
	"[" COMMON(1, "file") "'path': '" path "', 'state': '" state "', 'pseudo': " #pseudo ", 'sha256': 'aa', " \
	"'inode': '0x0', 'mtime': 0, 'mtime_ns': 0, 'mode': '644', 'uid': 0, 'gid': 0, 'first': " first "}]"

static void files_as_at_first(void **state)
{
	(void)state;
	source("module")->says = FILE_IS("");
	assert_string_equal(verdict("files"), "agrees -");
	/* Somebody touched it, or made a hard link of it. */
	source("module")->says = FILE_IS(", 'first': {'mtime': 49, 'ctime': 59}");
	assert_string_equal(verdict("files"), "agrees -");
}

/* What cannot be read has not changed into anything; but that it has not is not known. */
static void files_not_readable(void **state)
{
	(void)state;
	source("module")->says = "[" COMMON(1, "file") "'path': '/proc/cmdline', 'state': 'error', 'error': 13, "
				 "'pseudo': false, 'sha256': '', 'changed_ns': 90, "
				 "'first': {'state': 'file', 'error': 0, 'pseudo': true, 'sha256': 'aa'}}]";
	assert_string_equal(verdict("files"), "unconfirmed -");
	assert_string_equal(findings(), "");
	/* Of one that never could be read, nothing is compared. */
	source("module")->says = "[" COMMON(1, "file") "'path': '/proc/cmdline', 'state': 'error', 'error': 13, "
				 "'pseudo': false, 'sha256': ''}]";
	assert_string_equal(verdict("files"), "agrees -");
}

static void files_changed(void **state)
{
	static const struct {
		const char *says, *found;
	} cases[] = {
		/* As a package upgrade does it. */
		{ FILE_IS(", 'first': {'sha256': 'bb', 'inode': '0x4', 'mtime': 40, 'mtime_ns': 0, 'ctime': 59}"),
		  "file-replaced medium" },
		{ FILE_IS(", 'first': {'sha256': 'bb', 'inode': '0x4', 'mtime_ns': 0, 'ctime': 59}"),
		  "file-replaced medium" },
		/* And as it never does. */
		{ FILE_IS(", 'first': {'sha256': 'bb', 'mtime': 40, 'ctime': 59}"), "file-overwritten high" },
		{ FILE_IS(", 'first': {'sha256': 'bb', 'ctime': 59}"), "file-overwritten high" },
		{ FILE_IS(", 'first': {'sha256': 'bb', 'inode': '0x4', 'ctime': 59}"), "file-backdated high" },
		{ FILE_IS(", 'first': {'mode': '4755', 'ctime': 59}"), "file-rights-changed high" },
		{ FILE_IS(", 'first': {'sha256': 'bb', 'inode': '0x4', 'mtime': 40, 'uid': 5}"),
		  "file-owner-changed high" },
		{ FILE_IS(", 'first': {'gid': 5}"), "file-owner-changed high" },
		/* What it was is too long to be told. */
		{ FILE_IS(", 'first': null"), "file-replaced medium" },
		{ PATH_IS("/etc/ld.so.preload", "file", false, "{'state': 'absent', 'sha256': ''}"),
		  "file-appeared high" },
		{ PATH_IS("/etc/sudoers", "absent", false, "{'state': 'file', 'sha256': 'bb'}"), "file-gone medium" },
		{ PATH_IS("/proc/sys/kernel/modprobe", "file", true, "{'sha256': 'bb'}"),
		  "kernel-setting-changed medium" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		source("module")->says = cases[i].says;
		assert_string_equal(verdict("files"), "differs -");
		assert_string_equal(findings(), cases[i].found);
		end(state);
		raised = json_array();
	}
}

/* === Sockets ============================================================ */

#define SOCKET(seq, fd, family, protocol, type, state, inode, more) \
	COMMON(seq, "socket") "'pid': 9, 'fd': " #fd ", 'comm': 'sshd', " \
	"'family': '" family "', 'protocol': '" protocol "', 'type': '" type "', 'state': '" state \
	"', 'netns': 77, 'inode': " inode more "}"
#define HERE "{'netns': 77}"
#define SHOWN(family, inode) "{'netns': 77, 'inode': " #inode ", 'family': '" family "'}"

#define ELSEWHERE "{'netns': 78}, {'netns': 78, 'inode': 20, 'family': 'unix'}"

static void sockets_agree(void **state)
{
	(void)state;
	source("module")->says = "[" SOCKET(1, 3, "inet", "tcp", "stream", "listen", "20",
					     ", 'port': 22, 'local': '0.0.0.0:22'") ","
				 SOCKET(2, 4, "inet6", "udp", "dgram", "unconnected", "'0x15'", ", 'port': 53") ","
				 SOCKET(3, 5, "unix", "", "stream", "connected", "'0x16'", "") "]";
	source("proc-net")->says = "[" HERE "," SHOWN("inet", 20) "," SHOWN("inet6", 21) "," SHOWN("unix", 22) ","
				   SHOWN("unix", 99) "]";
	assert_string_equal(verdict("sockets"), "agrees -");
}

/*
 * What is not bound, or of a family without a file, is not to be expected there, nor a raw socket
 * that was taken out of the kernel's list by connect() to AF_UNSPEC; nor netlink sockets: one that
 * could not have the port which another has says all the same that it has it.
 */
static void sockets_of_which_nobody_is_told(void **state)
{
	(void)state;
	source("module")->says = "[" SOCKET(1, 3, "inet", "tcp", "stream", "closed", "20", ", 'port': 80") ","
				 SOCKET(2, 4, "inet", "udp", "dgram", "unconnected", "21", ", 'port': 0") ","
				 SOCKET(3, 5, "netlink", "route", "raw", "unconnected", "22", ", 'local': '45'") ","
				 SOCKET(4, 6, "vsock", "", "stream", "listen", "23", "") ","
				 SOCKET(5, 7, "inet", "icmp", "raw", "unconnected", "24", ", 'port': 0") "]";
	source("proc-net")->says = "[" HERE "]";
	assert_string_equal(verdict("sockets"), "agrees -");
}

static void socket_left_out(void **state)
{
	static const char *const left_out[] = {
		SOCKET(1, 3, "inet", "tcp", "stream", "listen", "'0x14'", ", 'port': 22, 'local': '0.0.0.0:22'"),
		SOCKET(1, 3, "inet6", "tcp", "stream", "close-wait", "20", ", 'port': 22"),
		SOCKET(1, 3, "inet", "udp", "dgram", "connected", "20", ", 'port': 53"),
		SOCKET(1, 3, "inet", "icmp", "raw", "unconnected", "20", ", 'port': 1"),
		SOCKET(1, 3, "packet", "", "raw", "unconnected", "20", ", 'local': 'interface 0'"),
		SOCKET(1, 3, "unix", "", "dgram", "unconnected", "20", ""),
	};

	for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++) {
		char says[1024];

		snprintf(says, sizeof(says), "[%s]", left_out[i]);
		source("module")->says = says;
		/*
		 * The same number in another namespace is another socket; and in the file of
		 * another family any user may have written it there.
		 */
		source("proc-net")->says = strstr(says, "'unix'") ? "[" HERE "," ELSEWHERE "]"
								   : "[" HERE "," SHOWN("unix", 20) "]";
		assert_string_equal(verdict("sockets"), "differs -");
		assert_string_equal(findings(), "socket-not-in-proc critical");
		if (!i)
			assert_string_equal(sentence(), "the process 9 (sshd) has a socket, inet tcp stream "
							"0.0.0.0:22  listen, which /proc/net does not have");
		end(state);
		raised = json_array();
	}
}

/* The /proc/net of a namespace without a process is not to be had: no sight, and no finding. */
static void socket_of_no_namespace_here(void **state)
{
	(void)state;
	source("module")->says = "[" SOCKET(1, 3, "unix", "", "dgram", "unconnected", "20", "") "]";
	source("proc-net")->says = "[" ELSEWHERE "]";
	assert_string_equal(verdict("sockets"), "blind foreign-namespace");
	assert_non_null(strstr(said, "process 9 (sshd) has a socket of the network namespace 77, "));
	assert_string_equal(findings(), "");
	/* One that came between two looks was seen by the second. */
	source("proc-net")->asked = 0;
	source("proc-net")->then = "[{'netns': 78}, " HERE "," SHOWN("unix", 20) "]";
	assert_string_equal(verdict("sockets"), "agrees -");
}

/*
 * Its owner has it under another descriptor, or another process has it, at each look: it is the
 * same.
 */
static void socket_that_moves(void **state)
{
	(void)state;
	source("module")->says = "[" SOCKET(1, 3, "inet", "tcp", "stream", "listen", "20", ", 'port': 22") "]";
	source("module")->then = "[" SOCKET(1, 4, "inet", "tcp", "stream", "listen", "20", ", 'port': 22") "]";
	source("proc-net")->says = "[" HERE "]";
	assert_string_equal(verdict("sockets"), "differs -");
	assert_string_equal(findings(), "socket-not-in-proc critical");
	/* Another one that has come under the descriptor is another: it was not there at each. */
	source("module")->asked = 0;
	source("module")->then = "[" SOCKET(1, 3, "inet", "tcp", "stream", "listen", "21", ", 'port': 22") "]";
	end(state);
	raised = json_array();
	assert_string_equal(verdict("sockets"), "unconfirmed -");
	assert_string_equal(findings(), "");
}

/* Who filters /proc/net need not filter what is asked by netlink, nor the other way round. */
static void socket_left_out_by_netlink(void **state)
{
	json_t *also;

	(void)state;
	source("module")->says = "[" SOCKET(1, 3, "inet", "tcp", "stream", "listen", "20",
					     ", 'port': 22, 'local': '0.0.0.0:22'") ","
				 SOCKET(2, 4, "unix", "", "dgram", "unconnected", "21", "") ","
				 SOCKET(3, 5, "inet", "icmp", "raw", "unconnected", "22", ", 'port': 1") "]";
	source("sock-diag")->says = "[" HERE "," SHOWN("inet", 20) "," SHOWN("unix", 21) "]";
	assert_string_equal(verdict("sockets-by-netlink"), "agrees -");
	source("sock-diag")->says = "[" HERE "," SHOWN("unix", 20) "," SHOWN("unix", 21) "]";
	assert_string_equal(verdict("sockets-by-netlink"), "differs -");
	assert_string_equal(findings(), "socket-not-by-netlink critical");
	assert_string_equal(sentence(), "the process 9 (sshd) has a socket, inet tcp stream 0.0.0.0:22  listen, "
					"which the kernel leaves out where it is asked by netlink");
	/* Both are one deed. */
	end(state);
	raised = json_array();
	source("proc-net")->says = "[" HERE "," SHOWN("unix", 21) "," SHOWN("inet", 22) "]";
	assert_string_equal(verdict("sockets sockets-by-netlink"), "differs -");
	assert_string_equal(findings(), "socket-not-in-proc critical");
	also = json_object_get(json_array_get(raised, 0), "also");
	assert_int_equal(json_array_size(also), 1);
}

/* === Domains ============================================================ */

#define DOMAIN(seq, uuid, pages, max) \
	COMMON(seq, "domain") "'domid': 3, 'uuid': '" uuid "', 'pages': " #pages ", 'max_pages': " #max "}"

/* How much of its memory a guest has at the moment is the guest's to say, as fast as it likes. */
static void domain_that_balloons(void **state)
{
	(void)state;
	source("xen")->says = "[" DOMAIN(1, "u", 100, 256) "]";
	source("module")->says = "[" DOMAIN(1, "u", 101, 256) "]";
	assert_string_equal(verdict("domains-module"), "agrees -");
	source("module")->says = "[" DOMAIN(1, "u", 100, 128) "]";
	assert_string_equal(verdict("domains-module"), "differs -");
	source("module")->says = "[" DOMAIN(1, "v", 100, 256) "]";
	assert_string_equal(verdict("domains-module"), "differs -");
	assert_string_equal(findings(), "domain-differs-in-kernel critical, domain-differs-in-kernel critical");
}

#define KEPT(state) \
	"[" COMMON(1, "domain") "'domid': 3, 'uuid': 'u', 'type': 'PV', 'pages': 4, 'state': '" state "'}]"

/*
 * What was destroyed is not in xenstore any more, and stays in Xen for as long as somebody has a
 * page of it: two guests can have it so, by a grant, for as long as they like.
 */
static void domain_that_is_kept(void **state)
{
	(void)state;
	source("xen")->says = KEPT("dying");
	source("xenstore")->says = "[]";
	assert_string_equal(verdict("domains-xenstore"), "agrees -");
	/* Its entry may be the last that goes. */
	source("xenstore")->says = "[{'domid': 3, 'name': 'web', 'vm': '/vm/u'}]";
	assert_string_equal(verdict("domains-xenstore"), "agrees -");
	source("xen")->says = KEPT("paused");
	source("xenstore")->says = "[]";
	assert_string_equal(verdict("domains-xenstore"), "differs -");
	assert_string_equal(findings(), "domain-not-in-xenstore high");
}

/* === Who was refused ==================================================== */

#define DENIED(seq, domid, op, command, control, count) \
	COMMON(seq, "denied") "'domid': " #domid ", 'uuid': '" #domid "', 'op': '" op "', " \
	"'command': '" command "', 'control': " #control ", 'count': " #count "}"

static void nobody_refused(void **state)
{
	(void)state;
	source("xen")->says = "[" COMMON(1, "lock") "'locked': false}]";
	assert_string_equal(verdict("refused"), "agrees -");
}

/* Any guest can be, as often as it likes: that does not count, and is told once. */
static void guest_refused(void **state)
{
	(void)state;
	source("xen")->says = "[" DENIED(1, 3, "version", "", false, 5000) "," COMMON(2, "denied-others")
			      "'count': 7}]";
	source("xen")->then = "[" DENIED(3, 3, "version", "", false, 9000) "," COMMON(4, "denied-others")
			      "'count': 8}]";
	assert_string_equal(verdict("refused"), "differs -");
	assert_string_equal(findings(), "access-refused notice, access-refused-others notice");
	assert_string_equal(sentence(),
			    "domain 3 (3) asked the sensor for what it may not have, 5000 times: version ");
}

static void dom0_refused(void **state)
{
	(void)state;
	source("xen")->says = "[" DENIED(1, 0, "exchange", "off", true, 1) "," DENIED(2, 0, "lock", "", true, 1) ","
			      DENIED(3, 0, "policy", "permit", true, 1) ","
			      DENIED(4, 0, "exchange", "records", true, 1) ","
			      DENIED(5, 0, "version", "", true, 1) "]";
	assert_string_equal(verdict("refused"), "differs -");
	assert_string_equal(findings(), "tampering-refused high, handover-refused medium, takeover-refused high, "
					"access-refused notice, access-refused notice");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	static const struct CMUnitTest tests[] = {
		TEST(hidden_process_is_one),
		TEST(modules_agree),
		TEST(module_left_out_of_proc),
		TEST(module_made_up),
		TEST(module_takes_a_name),
		TEST(module_by_a_name_that_is_taken),
		TEST(module_without_folder),
		TEST(module_hidden_with_folder),
		TEST(module_missing_twice),
		TEST(sensor_has_patience),
		TEST(module_goes_while_looked_at),
		TEST(modules_unreadable),
		TEST(files_as_at_first),
		TEST(files_not_readable),
		TEST(files_changed),
		TEST(sockets_agree),
		TEST(sockets_of_which_nobody_is_told),
		TEST(socket_left_out),
		TEST(socket_of_no_namespace_here),
		TEST(socket_that_moves),
		TEST(socket_left_out_by_netlink),
		TEST(domain_that_balloons),
		TEST(domain_that_is_kept),
		TEST(nobody_refused),
		TEST(guest_refused),
		TEST(dom0_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
