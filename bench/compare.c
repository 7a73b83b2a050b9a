// SPDX-License-Identifier: MIT
/*
 * compare.c - what one round of "ksense compare" costs: CPU time, and memory at most.
 *
 * Prints lines "name<TAB>value<TAB>unit<TAB>goal<TAB>note".  The judge is the real one, with all
 * built-in checks; both sensors are played by other processes of this program, through sockets, so
 * that each record is read as it is from a kernel.  What Dom0's programs are told is played as
 * well: to read /proc is the host's work, and not in it.
 *
 * Everything agrees, so each check looks once.  Each process has two page-table roots, ten open
 * files and a socket.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../canary/sources.h"

#define FILES_OF_EACH 10
#define MODULES 100
#define CPUS 16
#define ROUNDS 3
#define NETNS 4026531840LL
#define UUID "00000000-0000-0000-0000-000000000000"

static unsigned int processes;

static unsigned int frame_of(unsigned int process, bool user)
{
	return 0x10000 + 2 * process + user;
}

/* === Sensors ============================================================ */

/* One reply, or a connection's. */
static struct reply {
	FILE *out;
	char nonce[64], probe[32], kind[32]; /* kind "": all */
	unsigned long long seq, time;
} reply;

/* A record of the fresh sample, with these members behind those that all have. */
__attribute__((format(printf, 2, 3))) static void tell(const char *kind, const char *format, ...)
{
	va_list args;

	reply.seq++;
	if (*reply.kind && strcmp(reply.kind, kind))
		return;
	fprintf(reply.out,
		"{\"Virtue-protocol-version\":0.1,\"reply\":[\"%s\",\"%s\",{\"seq\":%llu,\"time\":%llu,\"probe\":\"%"
		"s\","
		"\"kind\":\"%s\",\"class\":\"sample\",\"epoch\":4234588681,\"pass\":7,\"event\":\"present\",",
		reply.nonce, reply.probe, reply.seq, reply.time, reply.probe, kind);
	va_start(args, format);
	vfprintf(reply.out, format, args);
	va_end(args);
	fputs("}]}\n", reply.out);
}

static void tell_processes(void)
{
	for (unsigned int i = 0; i < processes; i++)
		tell("process",
		     "\"pid\":%u,\"start_ns\":%llu,\"ppid\":1,\"uid\":1000,\"euid\":1000,\"caps\":\"0x0\",\"comm\":"
		     "\"worker-%u\","
		     "\"exe\":\"/usr/lib/postgresql/15/bin/postgres\",\"state\":\"S\",\"kernel\":false,\"threads\":2,"
		     "\"cpu_ns\":841765874,\"root\":\"0x%x\",\"user_root\":\"0x%x\",\"pid_ns\":4026531836,"
		     "\"mnt_ns\":4026531841,\"net_ns\":4026531840,\"user_ns\":4026531837,\"uts_ns\":4026532255,"
		     "\"ipc_ns\":4026531839,\"cgroup_ns\":4026531835,\"time_ns\":4026531834",
		     100 + i, 17392783950ULL + i, i, frame_of(i, false), frame_of(i, true));
	tell("kernel-root", "\"name\":\"init_mm\",\"root\":\"0x1000\",\"user_root\":\"0x0\"");
	tell("kernel-root", "\"name\":\"poking_mm\",\"root\":\"0x1001\",\"user_root\":\"0x1002\"");
}

static void tell_root(unsigned int frame, bool user)
{
	tell("root",
	     "\"frame\":\"0x%x\",\"role\":\"%s\",\"pinned\":true,\"loaded\":\"\",\"first_seen_ns\":6970537965,"
	     "\"last_seen_ns\":73321345382",
	     frame, user ? "user" : "kernel");
}

static void tell_roots(void)
{
	for (unsigned int i = 0; i < processes; i++) {
		tell_root(frame_of(i, false), false);
		tell_root(frame_of(i, true), true);
	}
	for (unsigned int i = 0; i < 3; i++)
		tell_root(0x1000 + i, i == 2);
	tell("dom0",
	     "\"domid\":0,\"type\":\"PV\",\"complete\":true,\"frames\":\"machine\",\"roots\":%u,\"pages\":131072,"
	     "\"looked\":147424",
	     2 * processes + 3);
}

static void tell_open_files(void)
{
	for (unsigned int i = 0; i < processes; i++) {
		for (unsigned int fd = 0; fd < FILES_OF_EACH; fd++)
			tell("file",
			     "\"pid\":%u,\"fd\":%u,\"start_ns\":48294191145,\"uid\":1000,\"comm\":\"worker-%u\","
			     "\"type\":\"regular\","
			     "\"path\":\"/var/lib/postgresql/15/main/base/"
			     "%u\",\"path_cut\":false,\"deleted\":false,\"mode\":\"r\","
			     "\"append\":false,\"flags\":\"0x8000\",\"major\":0,\"minor\":2,\"inode\":\"0x14d\","
			     "\"device_major\":0,"
			     "\"device_minor\":0,\"size_bytes\":\"0x0\",\"position\":\"0x0\"",
			     100 + i, fd, i, fd);
		tell("socket",
		     "\"pid\":%u,\"fd\":%u,\"start_ns\":48294191145,\"uid\":1000,\"comm\":\"worker-%u\",\"family\":"
		     "\"inet\","
		     "\"type\":\"stream\",\"protocol\":\"tcp\",\"state\":\"established\",\"netns\":%lld,\"local\":"
		     "\"127.0.0.1:5432\","
		     "\"port\":5432,\"remote\":\"127.0.0.1:40000\",\"cut\":false,\"inode\":\"0x%x\",\"peer_inode\":"
		     "\"0x0\","
		     "\"peer_unknown\":false",
		     100 + i, FILES_OF_EACH, i, NETNS, 0x1000 + i);
	}
}

static void tell_modules(void)
{
	static const char *const views[] = { "module-list", "list-head", "sysfs", "module-tree", "vm-areas" };

	for (unsigned int i = 0; i < MODULES; i++)
		tell("module",
		     "\"name\":\"module_%u\",\"module\":\"0x%x\",\"base\":\"0xffffffffc0249000\",\"size_bytes\":16384,"
		     "\"text_bytes\":4096,\"state\":\"live\",\"taints\":\"\",\"refcount\":1",
		     i, 0xc0000000 + i);
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		tell("view", "\"name\":\"%s\",\"available\":true,\"waits\":false", views[i]);
}

static void tell_domain(void)
{
	tell("domain",
	     "\"domid\":0,\"instance\":1,\"uuid\":\"" UUID "\",\"type\":\"PV\",\"state\":\"running\",\"control\":true,"
	     "\"hardware\":true,\"xenstore\":false,\"sensing\":false,\"target\":-1,\"pages\":131072,\"max_pages\":"
	     "131328,\"vcpus\":%u",
	     CPUS);
}

static void tell_entries(void)
{
	for (unsigned int vcpu = 0; vcpu < CPUS; vcpu++) {
		for (unsigned int vector = 0; vector < 32; vector++)
			tell("trap", "\"vcpu\":%u,\"vector\":%u,\"address\":\"0xffffffff8100%04x\",\"symbol\":\"x\"",
			     vcpu, vector, vector);
		tell("callback", "\"vcpu\":%u,\"name\":\"event\",\"address\":\"0xffffffff81000000\"", vcpu);
	}
	tell("dom0", "\"domid\":0,\"registers\":true");
	tell("kernel", "\"registers\":true,\"tracepoints\":1200,\"kprobes\":true,\"tracers\":true");
}

static void tell_idt(void)
{
	for (unsigned int cpu = 0; cpu < CPUS; cpu++)
		for (unsigned int vector = 0; vector < 8; vector++)
			tell("idt-gate",
			     "\"cpu\":%u,\"instance\":1,\"vector\":%u,\"handler\":\"0xffff82d040201c70\",\"symbol\":"
			     "\"bounds+0x0\","
			     "\"selector\":\"0xe008\",\"type\":14,\"dpl\":0,\"ist\":0,\"present\":true",
			     cpu, vector);
}

static void tell_little(void)
{
	tell("sweep", "\"range\":\"text\",\"modified\":0");
}

static const struct {
	const char *name;
	void (*tell)(void);
} probes[] = {
	{ "xen-domains", tell_domain },	    { "xen-text", tell_little },      { "xen-idt", tell_idt },
	{ "xen-pagetables", tell_little },  { "dom0-entries", tell_entries }, { "dom0-roots", tell_roots },
	{ "xen-access", tell_little },	    { "processes", tell_processes },  { "open-files", tell_open_files },
	{ "files", tell_little },	    { "modules", tell_modules },      { "kernel-text", tell_little },
	{ "kernel-entries", tell_entries }, { "domains", tell_domain },
};

#define PROBES (sizeof(probes) / sizeof(probes[0]))

static void tell_status(void)
{
	fprintf(reply.out,
		"{\"Virtue-protocol-version\":0.2,\"reply\":[\"%s\",\"status\",{\"name\":\"bench\",\"uuid\":\"" UUID
		"\","
		"\"time\":%llu,\"control\":true,\"probes\":[",
		reply.nonce, ++reply.time);
	for (size_t i = 0; i < PROBES; i++)
		fprintf(reply.out,
			"%s{\"name\":\"%s\",\"state\":\"on\",\"level\":\"default\",\"offs\":0,\"resets\":0,\"epoch\":"
			"1,\"whole_start_ns\":%llu}",
			i ? "," : "", probes[i].name, reply.time);
	fputs("]}]}\n", reply.out);
}

/*
 * {"Virtue-protocol-version": 0.1,
 *  "request": ["NONCE", "COMMAND", "TARGET", {... "kind": "KIND" ...}]}
 */
static void answer(const char *line)
{
	const char *kind = strstr(line, "\"kind\"");
	char command[32];

	if (sscanf(line, "{\"Virtue-protocol-version\": %*f, \"request\": [\"%63[^\"]\", \"%31[^\"]\", \"%31[^\"]\"",
		   reply.nonce, command, reply.probe) != 3)
		exit(1);
	*reply.kind = '\0';
	if (kind)
		sscanf(kind + strlen("\"kind\""), "%*[: ]\"%31[^\"]\"", reply.kind);
	if (!strcmp(command, "status")) {
		tell_status();
	} else {
		reply.time++;
		for (size_t i = 0; i < PROBES; i++)
			if (!strcmp(probes[i].name, reply.probe))
				probes[i].tell();
		fprintf(reply.out, "{\"Virtue-protocol-version\":0.1,\"reply\":[\"%s\",\"%s\"]}\n", reply.nonce,
			reply.probe);
	}
	fflush(reply.out);
}

/* Until whoever started it ends. */
static void serve(int listener)
{
	for (;;) {
		int connection = accept(listener, NULL, NULL);
		char *line = NULL;
		size_t size = 0;
		FILE *in;

		if (connection < 0)
			exit(1);
		if (fork())
			continue;
		in = fdopen(connection, "r");
		reply = (struct reply){ .out = fdopen(dup(connection), "w"), .time = 100 };
		while (getline(&line, &size, in) > 0)
			answer(line);
		exit(0);
	}
}

/* === What Dom0's programs are told ====================================== */

static bool take_processes(void *state, struct sample *sample, struct blindness *blind)
{
	char comm[32];

	(void)state, (void)blind;
	sample->records = json_array();
	for (unsigned int i = 0; i < processes; i++) {
		snprintf(comm, sizeof(comm), "worker-%u", i);
		json_array_append_new(sample->records, json_pack("{sisssI}", "pid", (int)(100 + i), "comm", comm,
								 "start_ticks", (json_int_t)i));
	}
	return true;
}

static bool take_modules(void *state, struct sample *sample, struct blindness *blind)
{
	(void)state, (void)blind;
	sample->records = json_array();
	for (unsigned int i = 0; i < MODULES; i++)
		json_array_append_new(sample->records, json_pack("{so}", "name", json_sprintf("module_%u", i)));
	return true;
}

static bool take_sockets(void *state, struct sample *sample, struct blindness *blind)
{
	(void)state, (void)blind;
	sample->records = json_pack("[{sI}]", "netns", (json_int_t)NETNS);
	for (unsigned int i = 0; i < processes; i++)
		json_array_append_new(sample->records, json_pack("{sIsIss}", "netns", (json_int_t)NETNS, "inode",
								 (json_int_t)(0x1000 + i), "family", "inet"));
	return true;
}

static bool take_domains(void *state, struct sample *sample, struct blindness *blind)
{
	(void)state, (void)blind;
	sample->records = json_pack("[{sisssssisisi}]", "domid", 0, "uuid", UUID, "type", "PV", "pages", 131072,
				    "max_pages", 131328, "vcpus", CPUS);
	return true;
}

#define PLAYED(is, takes) { .name = is, .is_apart = true, .take = takes }

/* === Measuring ========================================================== */

static bool goes_on(void *context, double seconds)
{
	(void)context;
	(void)seconds;
	return true;
}

/* Ours, and of the children that looked at what Dom0's programs are told. */
static double cpu_s(void)
{
	static const int whose[] = { RUSAGE_SELF, RUSAGE_CHILDREN };
	struct rusage usage;
	double s = 0;

	for (size_t i = 0; i < sizeof(whose) / sizeof(whose[0]); i++) {
		getrusage(whose[i], &usage);
		s += (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		     (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	}
	return s;
}

/* A child has the same pages, but for the answer that it makes. */
static double peak_mib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_maxrss / 1024;
}

/* Nothing was measured that is not a whole round. */
static void has_to_agree(const struct canary *c)
{
	json_t *coverage = canary_coverage(c), *check;
	bool agrees = true;
	size_t i;

	json_array_foreach(json_object_get(coverage, "checks"), i, check) {
		const char *verdict = json_string_value(json_object_get(check, "verdict"));

		agrees &= !strcmp(verdict, "agrees");
		if (strcmp(verdict, "agrees"))
			fprintf(stderr, "compare: %s\n", json_dumps(check, 0));
	}
	json_decref(coverage);
	if (!agrees)
		exit(1);
}

static void measure(const char *socket)
{
	struct canary_options options = { .socket = socket, .timeout_ms = 60000, .pause = goes_on };
	struct source_type types[] = {
		source_module,
		source_module,
		PLAYED("toolstack", take_domains),
		PLAYED("xenstore", take_domains),
		PLAYED("proc", take_processes),
		PLAYED("proc-modules", take_modules),
		PLAYED("sys-module", take_modules),
		PLAYED("proc-net", take_sockets),
		PLAYED("sock-diag", take_sockets),
		PLAYED("kallsyms", take_domains),
	};
	const struct source_type *list[sizeof(types) / sizeof(types[0]) + 1] = { NULL };
	double best_s = 1e9;
	struct canary *c;
	char error[256];

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		list[i] = &types[i];
	types[0].name = "xen";
	c = canary_open_with(&options, list, built_in_checks(NULL), "built in", error, sizeof(error));
	if (!c) {
		fprintf(stderr, "compare: %s\n", error);
		exit(1);
	}
	for (int i = 0; i < ROUNDS; i++) {
		double begin_s = cpu_s(), used_s;

		if (!canary_round(c))
			exit(1);
		has_to_agree(c);
		used_s = cpu_s() - begin_s;
		best_s = used_s < best_s ? used_s : best_s;
	}
	printf("compare, %u processes: a round\t%.3f\ts of CPU\t%s\tall checks, each record read from a socket; the "
	       "best of %d rounds\n",
	       processes, best_s, processes == 5000 ? "<= 1" : "", ROUNDS);
	printf("  resident at most\t%.1f\tMiB\t%s\tin all of these\n", peak_mib(), processes == 5000 ? "<= 32" : "");
	fflush(stdout);
	canary_close(c);
	exit(0);
}

int main(void)
{
	static const unsigned int sizes[] = { 100, 5000 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int status = 0;

	signal(SIGCHLD, SIG_DFL);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && !status; i++) {
		int listener = socket(AF_UNIX, SOCK_STREAM, 0);
		pid_t server, client;

		processes = sizes[i];
		snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "ksense-bench-%d-%u", (int)getpid(),
			 processes);
		if (bind(listener, (struct sockaddr *)&address,
			 (socklen_t)(sizeof(sa_family_t) + 1 + strlen(address.sun_path + 1))) ||
		    listen(listener, 8)) {
			perror("compare: socket");
			return 1;
		}
		server = fork();
		if (!server)
			serve(listener);
		client = fork();
		if (!client) {
			address.sun_path[0] = '@';
			measure(address.sun_path);
		}
		close(listener);
		waitpid(client, &status, 0);
		kill(server, SIGTERM);
		waitpid(server, NULL, 0);
	}
	return status ? 1 : 0;
}
