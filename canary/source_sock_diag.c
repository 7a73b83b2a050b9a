// SPDX-License-Identifier: MIT
/*
 * source_sock_diag.c - the sockets that Dom0's programs are told of by netlink, as ss asks: of
 * each network namespace its own.
 *
 * That is another way through the kernel than /proc/net, and who filters one need not filter the
 * other.  No name stands in the answer, which somebody could choose to look like a line of it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>

#include "namespaces.h"
#include "sources.h"

/*
 * What is asked for; the kernel's module that answers, which it loads by itself; and what it says
 * of each socket: a structure of so many bytes, in which the inode is 32 bits.
 */
#define IN(is, member) sizeof(struct is), offsetof(struct is, member)
static const struct question {
	unsigned char family, protocol;
	const char *name, *module;
	size_t bytes, inode_at;
} questions[] = {
	{ AF_INET, IPPROTO_TCP, "inet", "tcp_diag", IN(inet_diag_msg, idiag_inode) },
	{ AF_INET6, IPPROTO_TCP, "inet6", "tcp_diag", IN(inet_diag_msg, idiag_inode) },
	{ AF_INET, IPPROTO_UDP, "inet", "udp_diag", IN(inet_diag_msg, idiag_inode) },
	{ AF_INET6, IPPROTO_UDP, "inet6", "udp_diag", IN(inet_diag_msg, idiag_inode) },
	{ AF_UNIX, 0, "unix", "unix_diag", IN(unix_diag_msg, udiag_ino) },
	{ AF_PACKET, 0, "packet", "af_packet_diag", IN(packet_diag_msg, pdiag_ino) },
};

/* The kernel gives out no more at once, if there is room for that. */
#define ANSWER_BYTES 32768
/* It makes the next part of an answer at once; whose end is kept from us is waited for so long. */
#define PATIENCE_S 30

struct asker {
	struct sample *sample;
	json_int_t space;               /* the namespace at hand, */
	int fd;                         /* whose kernel's end this leads to */
	const char *missing;            /* a module that is not there */
	bool answers;                   /* there is one that is */
	/* as aligned as what is in it */
	struct nlmsghdr answer[ANSWER_BYTES / sizeof(struct nlmsghdr)];
};

/* 0, or what is wrong, as errno has it. */
static int send_question(const struct asker *asker, const struct question *question)
{
	struct {
		struct nlmsghdr head;
		union {
			struct inet_diag_req_v2 inet;
			struct unix_diag_req un;
			struct packet_diag_req packet;
		} is;
	} request = {
		.head = {
			.nlmsg_len = sizeof(request), .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
	};

	/* In whatever state. */
	if (question->family == AF_UNIX)
		request.is.un = (struct unix_diag_req){ .sdiag_family = AF_UNIX, .udiag_states = ~0U };
	else if (question->family == AF_PACKET)
		request.is.packet = (struct packet_diag_req){ .sdiag_family = AF_PACKET };
	else
		request.is.inet = (struct inet_diag_req_v2){
			.sdiag_family = question->family, .sdiag_protocol = question->protocol, .idiag_states = ~0U,
		};
	return send(asker->fd, &request, sizeof(request), 0) < 0 ? errno : 0;
}

/* An inode of 0 is that of what no program has any more.  0, or as of sample_add(). */
static int take_socket(const struct asker *asker, const struct question *question, const void *message)
{
	uint32_t inode;

	memcpy(&inode, (const char *)message + question->inode_at, sizeof(inode));
	if (!inode)
		return 0;
	return sample_add(asker->sample, json_pack("{sIsIss}", "netns", asker->space, "inode", (json_int_t)inode,
						   "family", question->name));
}

/* What a message that is none of a socket says: the end, or what is wrong. */
static int wrong_of(const struct nlmsghdr *message)
{
	if (message->nlmsg_type != NLMSG_ERROR && message->nlmsg_type != NLMSG_DONE)
		return EBADMSG;
	return message->nlmsg_len < NLMSG_LENGTH(sizeof(int)) ? 0 : -*(const int *)NLMSG_DATA(message);
}

/* Until *@over.  0, or what is wrong, as errno has it. */
static int take_answer(struct asker *asker, const struct question *question, bool *over)
{
	struct sockaddr_nl from = { .nl_pid = ~0U };
	socklen_t from_bytes = sizeof(from);
	ssize_t got = recvfrom(asker->fd, asker->answer, sizeof(asker->answer), MSG_TRUNC, (struct sockaddr *)&from,
			       &from_bytes);
	int left = (int)got, wrong;

	if (got < 0)
		return errno == EINTR ? 0 : errno;
	/* Of somebody who was faster than the socket was connected. */
	if (from.nl_pid)
		return 0;
	if ((size_t)got > sizeof(asker->answer))
		return EMSGSIZE;
	if (!NLMSG_OK(asker->answer, (unsigned int)left))
		return EBADMSG;
	for (const struct nlmsghdr *message = asker->answer; !*over && NLMSG_OK(message, (unsigned int)left);
	     message = NLMSG_NEXT(message, left)) {
		*over = message->nlmsg_type != SOCK_DIAG_BY_FAMILY;
		if (*over)
			return wrong_of(message);
		if (message->nlmsg_len < NLMSG_LENGTH(question->bytes))
			return EBADMSG;
		wrong = take_socket(asker, question, NLMSG_DATA(message));
		if (wrong)
			return wrong;
	}
	return 0;
}

static void ask(struct asker *asker, const struct question *question, struct blindness *blind)
{
	int wrong = send_question(asker, question);
	bool over = false;

	while (!wrong && !over)
		wrong = take_answer(asker, question, &over);
	if (wrong == ENOENT)
		asker->missing = question->module;
	else if (wrong == EAGAIN)
		blind_for(blind, "timeout", "NETLINK_SOCK_DIAG: the kernel did not answer within %d s", PATIENCE_S);
	else
		cannot_read("NETLINK_SOCK_DIAG", wrong, blind);
	asker->answers |= !wrong;
}

/*
 * A socket to the kernel's end alone, in the namespace in which this thread is: whoever rules that
 * may send to any other, and be taken for the kernel.  -1, with errno.
 */
static int open_netlink(void)
{
	static const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	static const struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG), why;

	if (fd < 0 || (!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) &&
		       !connect(fd, (const struct sockaddr *)&kernel, sizeof(kernel))))
		return fd;
	why = errno;
	close(fd);
	errno = why;
	return -1;
}

/* The namespace itself is an item as well: one without a socket has been seen, too. */
static void ask_space(void *context, json_int_t space, struct blindness *blind)
{
	struct asker *asker = context;

	asker->space = space;
	cannot_read("a network namespace", sample_add(asker->sample, json_pack("{sI}", "netns", space)), blind);
	asker->fd = open_netlink();
	if (asker->fd < 0 && errno == EPROTONOSUPPORT)
		asker->missing = "sock_diag";
	else if (asker->fd < 0)
		cannot_read("NETLINK_SOCK_DIAG", errno, blind);
	for (size_t i = 0; asker->fd >= 0 && !blind->reason && i < sizeof(questions) / sizeof(questions[0]); i++)
		ask(asker, &questions[i], blind);
	if (asker->fd >= 0)
		close(asker->fd);
}

static bool diag_take(void *state, struct sample *sample, struct blindness *blind)
{
	struct asker *asker = calloc(1, sizeof(*asker));

	(void)state;
	sample->records = json_array();
	if (!asker || !sample->records) {
		blind_for(blind, "no-memory", "no memory");
		free(asker);
		return false;
	}
	asker->sample = sample;
	see_namespaces(ask_space, asker, blind);
	/* Where one module answers, that another does not is no kernel without them. */
	if (asker->missing && !asker->answers && !blind->reason)
		blind->absent = "sock-diag";
	if (asker->missing)
		blind_for(blind, "unreadable", "NETLINK_SOCK_DIAG: the kernel has no module %s", asker->missing);
	free(asker);
	return !blind->reason;
}

const struct source_type source_sock_diag = {
	.name = "sock-diag", .is_apart = true, .is_of_sockets = true, .take = diag_take,
};
