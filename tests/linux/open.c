// SPDX-License-Identifier: MIT
/*
 * open.c - a process that has something of everything open, and says so.
 *
 *     open FOLDER        opens things in FOLDER and beside it, prints "NAME FD" for each and then
 *                        "pid PID", and waits to be killed; "thread FD TID" is a file that only a
 *                        thread with a table of descriptors of its own has
 *     open --many N      opens so many of one kind, prints "pid PID" and waits
 *
 * Exits with 1, saying what, if something could not be opened.
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int check(const char *name, int fd)
{
	if (fd < 0)
		err(1, "%s", name);
	printf("%s %d\n", name, fd);
	return fd;
}

static void done(const char *name, int result)
{
	if (result < 0)
		err(1, "%s", name);
}

static void files(void)
{
	char name[221];

	check("regular", open("regular", O_RDWR | O_CREAT, 0600));
	check("append", open("regular", O_WRONLY | O_APPEND));
	check("directory", open(".", O_RDONLY | O_DIRECTORY));
	check("path", open("regular", O_PATH));
	check("hostile", open("a\n\"\xff\\ b", O_RDONLY | O_CREAT, 0600));
	check("deleted", open("deleted", O_RDWR | O_CREAT, 0600));
	done("unlink", unlink("deleted"));
	check("renamed", open("old-name", O_RDWR | O_CREAT, 0600));
	check("device", open("/dev/null", O_RDWR));
	check("proc", open("/proc/self/status", O_RDONLY));
	done("mkfifo", mkfifo("fifo", 0600));
	check("fifo", open("fifo", O_RDWR));
	check("eventfd", eventfd(0, 0));
	check("memfd", (int)memfd_create("memory", 0));
	/* Longer than what a record holds. */
	memset(name, 'l', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (int i = 0; i < 2; i++) {
		done("mkdir", mkdir(name, 0700));
		done("chdir", chdir(name));
	}
	check("long", open("end", O_RDWR | O_CREAT, 0600));
	done("chdir", chdir("../.."));
	/* Where anybody can be: 2^64 - 552960. */
	if (lseek(check("far", open("/proc/self/mem", O_RDONLY)), -552960, SEEK_SET) == -1)
		err(1, "lseek");
}

static void pipes(void)
{
	int ends[2];

	done("pipe", pipe(ends));
	check("pipe-read", ends[0]);
	check("pipe-write", ends[1]);
}

static void unix_sockets(void)
{
	struct sockaddr_un named = { .sun_family = AF_UNIX, .sun_path = "/root/named" };
	struct sockaddr_un abstract = { .sun_family = AF_UNIX, .sun_path = "\0ab\0stract" };
	int listener = check("unix-listen", socket(AF_UNIX, SOCK_STREAM, 0)), client, pair[2];

	done("bind", bind(listener, (struct sockaddr *)&named, sizeof(named)));
	done("listen", listen(listener, 1));
	client = check("unix-client", socket(AF_UNIX, SOCK_STREAM, 0));
	done("connect", connect(client, (struct sockaddr *)&named, sizeof(named)));
	check("unix-accepted", accept(listener, NULL, NULL));
	client = check("unix-abstract", socket(AF_UNIX, SOCK_DGRAM, 0));
	done("bind", bind(client, (struct sockaddr *)&abstract, offsetof(struct sockaddr_un, sun_path) + 10));
	done("socketpair", socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	check("unix-pair", pair[0]);
	check("unix-other", pair[1]);
}

static void inet_sockets(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(7001) };
	struct sockaddr_in here = {
		.sin_family = AF_INET, .sin_port = htons(7002), .sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	struct sockaddr_in6 six = {
		.sin6_family = AF_INET6, .sin6_port = htons(7003), .sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	int fd = check("udp", socket(AF_INET, SOCK_DGRAM, 0)), listener;

	done("bind", bind(fd, (struct sockaddr *)&any, sizeof(any)));
	fd = check("udp-connected", socket(AF_INET, SOCK_DGRAM, 0));
	done("connect", connect(fd, (struct sockaddr *)&here, sizeof(here)));
	listener = check("tcp-listen", socket(AF_INET, SOCK_STREAM, 0));
	done("bind", bind(listener, (struct sockaddr *)&here, sizeof(here)));
	done("listen", listen(listener, 1));
	fd = check("tcp-client", socket(AF_INET, SOCK_STREAM, 0));
	done("connect", connect(fd, (struct sockaddr *)&here, sizeof(here)));
	check("tcp-accepted", accept(listener, NULL, NULL));
	fd = check("tcp6-listen", socket(AF_INET6, SOCK_STREAM, 0));
	done("bind", bind(fd, (struct sockaddr *)&six, sizeof(six)));
	done("listen", listen(fd, 1));
	fd = check("tcp6-client", socket(AF_INET6, SOCK_STREAM, 0));
	done("connect", connect(fd, (struct sockaddr *)&six, sizeof(six)));
	check("tcp-new", socket(AF_INET, SOCK_STREAM, 0));
}

static void other_sockets(void)
{
	struct sockaddr_nl netlink = { .nl_family = AF_NETLINK };
	int fd = check("netlink", socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT));

	done("bind", bind(fd, (struct sockaddr *)&netlink, sizeof(netlink)));
	check("sniffer", socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
	fd = check("old-sniffer", socket(AF_PACKET, SOCK_PACKET, htons(ETH_P_ALL)));
	done("bind", bind(fd, &(struct sockaddr){ .sa_family = AF_PACKET, .sa_data = "lo" }, sizeof(struct sockaddr)));
	check("raw", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static pthread_barrier_t ready;

static void *apart(void *unused)
{
	int fd;

	(void)unused;
	done("unshare", unshare(CLONE_FILES));
	fd = open("only-of-the-thread", O_RDWR | O_CREAT, 0600);
	done("open", fd);
	printf("thread %d %ld\n", fd, syscall(SYS_gettid));
	pthread_barrier_wait(&ready);
	pause();
	return NULL;
}

static void *together(void *unused)
{
	(void)unused;
	pause();
	return NULL;
}

static void threads(void)
{
	pthread_t thread;

	pthread_barrier_init(&ready, NULL, 2);
	if (pthread_create(&thread, NULL, together, NULL) || pthread_create(&thread, NULL, apart, NULL))
		errx(1, "no thread");
	pthread_barrier_wait(&ready);
}

static void many(unsigned int count)
{
	struct rlimit limit = { count + 10, count + 10 };

	done("setrlimit", setrlimit(RLIMIT_NOFILE, &limit));
	for (unsigned int i = 0; i < count; i++)
		done("open", open("/dev/null", O_RDONLY));
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--many")) {
		many((unsigned int)atoi(argv[2]));
	} else if (argc == 2) {
		mkdir(argv[1], 0700);
		done("chdir", chdir(argv[1]));
		files();
		pipes();
		unix_sockets();
		inet_sockets();
		other_sockets();
		threads();
	} else {
		errx(2, "usage: open FOLDER | open --many N");
	}
	printf("pid %d\n", getpid());
	fflush(stdout);
	for (;;)
		pause();
}
