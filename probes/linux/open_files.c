// SPDX-License-Identifier: GPL-2.0-only
/*
 * open_files.c - the probe "open-files": what each process has open, as its own table of
 * descriptors has it.
 *
 * The place in the walk is kept as two numbers, pid and descriptor, so processes and descriptors
 * may come and go between two.  A file is looked at under RCU, and held only where that cannot be
 * helped (task.h).
 */
#include <linux/dcache.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/if_packet.h>
#include <linux/kdev_t.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include <linux/time64.h>
#include <net/af_unix.h>
#include <net/inet_sock.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "../../linux/compat.h"
#include "../../linux/symbols.h"
#include "../set.h"
#include "code.h"
#include "root.h"
#include "task.h"

/*
 * How much a string may take up in a record, where a hostile byte is six: one with a changed path
 * has two of them.
 */
#define PATH_ESCAPED_MAX 600
#define END_ESCAPED_MAX 294

struct ks_open_file {
	uint32_t pid, fd;
	uint64_t start_ns;
	uint32_t uid;
	char comm[TASK_COMM_LEN];
	char type[12];
	char mode[5];
	uint8_t append, deleted, path_cut;
	uint32_t major, minor, device_major, device_minor;
	uint64_t inode, size_bytes, position, flags;
	char path[256];
	/* Not shown. */
	struct ks_path_key path_key;
};

struct ks_open_socket {
	uint32_t pid, fd;
	uint64_t start_ns;
	uint32_t uid;
	char comm[TASK_COMM_LEN];
	char family[12], type[12], protocol[16], state[16];
	uint32_t netns;
	uint16_t port;
	uint64_t inode, peer_inode;
	char local[112], remote[112];
	uint8_t cut, peer_unknown;
	/* Not shown: the ends from which the texts were made. */
	struct ks_ends {
		uint8_t local[16], remote[16];
		uint16_t local_port, remote_port, family;
	} ends;
};

struct ks_sharer {
	uint32_t pid, of_pid;
	uint64_t start_ns;
	uint32_t uid;
	char comm[TASK_COMM_LEN];
};

static const struct ks_field file_fields[] = {
	KS_FIELD(struct ks_open_file, pid, KS_U32,
		 "whose, as the initial pid namespace numbers it. A thread that shares its descriptors with its "
		 "process has no records; one with "
		 "a table of its own has, under its own id"),
	KS_FIELD(struct ks_open_file, fd, KS_U32, "which descriptor"),
	KS_FIELD(struct ks_open_file, start_ns, KS_NS,
		 "[ns] when that process was started, since boot: another one under the same pid is a change"),
	KS_LIVE(struct ks_open_file, uid, KS_U32,
		"that process's real user, as the initial user namespace numbers them"),
	KS_LIVE(struct ks_open_file, comm, KS_STRING, "the process's name, up to 15 bytes"),
	KS_FIELD(struct ks_open_file, type, KS_STRING,
		 "`regular`, `directory`, `character`, `block` (devices), `pipe`, `fifo` (a pipe with a name), "
		 "`symlink`, `socket-file`, "
		 "`anonymous` (eventfd, epoll, pidfd, BPF ...)"),
	KS_FIELD(struct ks_open_file, path, KS_STRING,
		 "as `/proc/PID/fd` shows it to the first process: from its root, with ` (deleted)` behind a name "
		 "that is gone, `pipe:[INODE]`, "
		 "`anon_inode:[WHAT]`. At most 255 bytes, or fewer where many of them need an escape; empty, and "
		 "`path_cut`, when it is longer "
		 "than 4095, or leads through more than 256 folders and mounts"),
	KS_FIELD(struct ks_open_file, path_cut, KS_BOOL, "the path is longer than that"),
	KS_FIELD(struct ks_open_file, deleted, KS_BOOL, "the name under which it was opened is gone"),
	KS_FIELD(struct ks_open_file, mode, KS_STRING, "`r`, `w`, `rw`, or `path` (O_PATH: neither)"),
	KS_FIELD(struct ks_open_file, append, KS_BOOL, "writes go to the end"),
	KS_LIVE(struct ks_open_file, flags, KS_HEX, "the kernel's f_flags, as in `/proc/PID/fdinfo`"),
	KS_FIELD(struct ks_open_file, major, KS_U32,
		 "device of the file system, its major number. The kernel's number of it: btrfs and overlayfs tell "
		 "`stat` another"),
	KS_FIELD(struct ks_open_file, minor, KS_U32, "device of the file system, its minor number"),
	KS_FIELD(struct ks_open_file, inode, KS_HEX, "inode number in that file system"),
	KS_FIELD(struct ks_open_file, device_major, KS_U32, "of a device: which, its major number; else 0"),
	KS_FIELD(struct ks_open_file, device_minor, KS_U32, "of a device: which, its minor number; else 0"),
	KS_LIVE(struct ks_open_file, size_bytes, KS_HEX, "[bytes] size of the file"),
	KS_LIVE(struct ks_open_file, position, KS_HEX, "[bytes] where the descriptor is in it"),
};

static const struct ks_field socket_fields[] = {
	KS_FIELD(struct ks_open_socket, pid, KS_U32, "whose, as the initial pid namespace numbers it"),
	KS_FIELD(struct ks_open_socket, fd, KS_U32, "which descriptor"),
	KS_FIELD(struct ks_open_socket, start_ns, KS_NS,
		 "[ns] when that process was started, since boot: another one under the same pid is a change"),
	KS_LIVE(struct ks_open_socket, uid, KS_U32,
		"that process's real user, as the initial user namespace numbers them"),
	KS_LIVE(struct ks_open_socket, comm, KS_STRING, "the process's name, up to 15 bytes"),
	KS_FIELD(struct ks_open_socket, family, KS_STRING,
		 "`unix`, `inet`, `inet6`, `netlink`, `packet` (sees frames of the network), `vsock`, ...; a number "
		 "where there is no word"),
	KS_FIELD(struct ks_open_socket, type, KS_STRING, "`stream`, `dgram`, `seqpacket`, `raw`, `rdm`, `packet`"),
	KS_FIELD(struct ks_open_socket, protocol, KS_STRING,
		 "inet: `tcp`, `udp`, `icmp` ...; netlink: `route`, `audit`, `kobject-uevent` ...; a number where "
		 "there is no word; empty for "
		 "other families"),
	KS_FIELD(struct ks_open_socket, state, KS_STRING,
		 "of TCP its own: `listen`, `established`, `close-wait` ...; of others `listen`, `connected`, "
		 "`unconnected`"),
	KS_LIVE(struct ks_open_socket, netns, KS_U32, "inode of its network namespace, as in `/proc/PID/ns/net`"),
	KS_FIELD(struct ks_open_socket, local, KS_STRING,
		 "inet: `ADDRESS:PORT` (IPv6 in brackets), empty where not bound. unix: the path, or `@NAME`, NULs in "
		 "it as `@`. netlink: the "
		 "port's number. packet: `interface N`, 0 for all; of the type `packet` the interface's name, empty "
		 "for all"),
	KS_LIVE(struct ks_open_socket, port, KS_U16,
		"inet: the local port, as in `local`: at which it sends or, where it says that it has none, receives; "
		"0 where not bound, and of other families"),
	KS_FIELD(struct ks_open_socket, remote, KS_STRING, "likewise of its peer; empty where not connected"),
	KS_FIELD(struct ks_open_socket, cut, KS_BOOL, "a unix name is longer than there is room for"),
	KS_FIELD(struct ks_open_socket, inode, KS_HEX, "the socket's inode, as in `/proc/net/*`"),
	KS_FIELD(struct ks_open_socket, peer_inode, KS_HEX, "unix: the peer's; 0: none, or not accepted yet"),
	KS_FIELD(struct ks_open_socket, peer_unknown, KS_BOOL,
		 "unix: it got another peer in the middle of each of three looks, so that `remote` and `peer_inode` "
		 "are left out: any user can keep "
		 "a socket of his own so"),
};

static const struct ks_field sharer_fields[] = {
	KS_FIELD(struct ks_sharer, pid, KS_U32, "who has no table of its own"),
	KS_FIELD(struct ks_sharer, of_pid, KS_U32, "under whose `pid` the descriptors are told that both have"),
	KS_FIELD(struct ks_sharer, start_ns, KS_NS, "[ns] as in `file`"),
	KS_LIVE(struct ks_sharer, uid, KS_U32, "as in `file`"),
	KS_LIVE(struct ks_sharer, comm, KS_STRING, "as in `file`"),
};

enum { FILE_KIND, SOCKET_KIND, SHARER_KIND };

static const struct ks_set_kind kinds[] = {
	[FILE_KIND] = KS_KIND_BY("file", struct ks_open_file, file_fields, fd, uid, "All that is no socket."),
	[SOCKET_KIND] = KS_KIND_BY("socket", struct ks_open_socket, socket_fields, fd, uid, "A socket."),
	[SHARER_KIND] = KS_KIND_BY("sharer", struct ks_sharer, sharer_fields, pid, uid,
				   "A process, or a thread, that has its descriptors in common with another process "
				   "(`clone()` with `CLONE_FILES`)."),
};

/*
 * Copies what fits of @len bytes, so that a record has room for it.  True: something was left out.
 */
static bool put_bounded(char *out, size_t size, const char *bytes, size_t len, unsigned int escaped_max)
{
	unsigned int escaped = 0;
	size_t i = 0;

	while (i < len && i < size - 1) {
		escaped += ks_plain_len(bytes + i, 1) ? 1 : 6;
		if (escaped > escaped_max)
			break;
		out[i] = bytes[i];
		i++;
	}
	out[i] = '\0';
	return i < len;
}

/* === Files ============================================================== */

/* One pass runs at a time, and there is one instance. */
static char scratch[PATH_MAX];

static const char *type_of_file(const struct inode *inode)
{
	switch (inode->i_mode & S_IFMT) {
	case S_IFREG:
		return "regular";
	case S_IFDIR:
		return "directory";
	case S_IFCHR:
		return "character";
	case S_IFBLK:
		return "block";
	case S_IFLNK:
		return "symlink";
	case S_IFIFO:
		return inode->i_sb->s_magic == PIPEFS_MAGIC ? "pipe" : "fifo";
	case S_IFSOCK:
		return "socket-file";
	default:
		return "anonymous"; /* an eventfd and its like */
	}
}

static const char *mode_of_file(fmode_t mode)
{
	if (mode & FMODE_PATH)
		return "path";
	switch (mode & (FMODE_READ | FMODE_WRITE)) {
	case FMODE_READ | FMODE_WRITE:
		return "rw";
	case FMODE_READ:
		return "r";
	case FMODE_WRITE:
		return "w";
	default:
		return "";
	}
}

/*
 * A path costs more than all the rest.  It is made anew when the file is another, when anything in
 * the whole system was renamed, and at the levels that trust nothing.
 */
static void put_path(struct ks_probe *probe, const struct ks_seen_file *file, struct ks_open_file *item)
{
	const struct ks_open_file *kept;
	const char *path;

	if (!file->in_folder) {
		snprintf(item->path, sizeof(item->path), "%s:[%llu]",
			 S_ISFIFO(file->inode->i_mode) ? "pipe" : "socket", item->inode);
		return;
	}
	kept = ks_set_kept(probe, FILE_KIND, item);
	item->path_key = ks_path_key(file);
	if (probe->level < KS_HIGH && kept && !memcmp(&kept->path_key, &item->path_key, sizeof(item->path_key))) {
		memcpy(item->path, kept->path, sizeof(item->path));
		item->path_cut = kept->path_cut;
		return;
	}
	path = ks_path_text(&file->path, scratch, sizeof(scratch));
	if (!path)
		item->path_cut = true; /* none: it is longer than any path should be */
	else
		item->path_cut = put_bounded(item->path, sizeof(item->path), path, strlen(path), PATH_ESCAPED_MAX);
}

static int copy_file(struct ks_probe *probe, const struct ks_seen_file *file, struct ks_open_file *item)
{
	const struct inode *inode = file->inode;

	strscpy(item->type, type_of_file(inode), sizeof(item->type));
	strscpy(item->mode, mode_of_file(file->mode), sizeof(item->mode));
	item->flags = file->flags;
	item->append = !!(item->flags & O_APPEND);
	item->deleted = file->in_folder && d_unlinked(file->path.dentry);
	item->major = MAJOR(inode->i_sb->s_dev);
	item->minor = MINOR(inode->i_sb->s_dev);
	item->inode = inode->i_ino;
	if (S_ISCHR(inode->i_mode) || S_ISBLK(inode->i_mode)) {
		item->device_major = MAJOR(inode->i_rdev);
		item->device_minor = MINOR(inode->i_rdev);
	}
	item->size_bytes = i_size_read(inode);
	item->position = file->position;
	put_path(probe, file, item);
	return FILE_KIND;
}

/* === Sockets ============================================================ */

struct word {
	int number;
	const char *text;
};

static const struct word families[] = {
	{ AF_UNIX, "unix" },     { AF_INET, "inet" },   { AF_INET6, "inet6" }, { AF_NETLINK, "netlink" },
	{ AF_PACKET, "packet" }, { AF_KEY, "key" },     { AF_VSOCK, "vsock" }, { AF_ALG, "alg" },
	{ AF_TIPC, "tipc" },     { AF_CAN, "can" },     { AF_XDP, "xdp" },     { AF_BLUETOOTH, "bluetooth" },
	{ AF_PPPOX, "pppox" },   { AF_RXRPC, "rxrpc" }, { AF_QIPCRTR, "qipcrtr" }, { AF_SMC, "smc" },
	{ 0, NULL },
};

static const struct word types[] = {
	{ SOCK_STREAM, "stream" }, { SOCK_DGRAM, "dgram" },   { SOCK_RAW, "raw" }, { SOCK_SEQPACKET, "seqpacket" },
	{ SOCK_RDM, "rdm" },       { SOCK_PACKET, "packet" }, { 0, NULL },
};

static const struct word inet_protocols[] = {
	{ IPPROTO_TCP, "tcp" }, { IPPROTO_UDP, "udp" }, { IPPROTO_ICMP, "icmp" }, { IPPROTO_ICMPV6, "icmpv6" },
	{ IPPROTO_SCTP, "sctp" }, { IPPROTO_UDPLITE, "udplite" }, { IPPROTO_MPTCP, "mptcp" }, { 0, NULL },
};

static const struct word netlink_protocols[] = {
	{ NETLINK_ROUTE, "route" },         { NETLINK_USERSOCK, "usersock" }, { NETLINK_SOCK_DIAG, "sock-diag" },
	{ NETLINK_XFRM, "xfrm" },           { NETLINK_SELINUX, "selinux" },   { NETLINK_ISCSI, "iscsi" },
	{ NETLINK_AUDIT, "audit" },         { NETLINK_CONNECTOR, "connector" }, { NETLINK_NETFILTER, "netfilter" },
	{ NETLINK_KOBJECT_UEVENT, "kobject-uevent" }, { NETLINK_GENERIC, "generic" }, { NETLINK_RDMA, "rdma" },
	{ NETLINK_CRYPTO, "crypto" },       { -1, NULL },
};

static const struct word tcp_states[] = {
	{ TCP_ESTABLISHED, "established" }, { TCP_SYN_SENT, "syn-sent" },     { TCP_SYN_RECV, "syn-received" },
	{ TCP_FIN_WAIT1, "fin-wait-1" },    { TCP_FIN_WAIT2, "fin-wait-2" },  { TCP_TIME_WAIT, "time-wait" },
	{ TCP_CLOSE, "closed" },            { TCP_CLOSE_WAIT, "close-wait" }, { TCP_LAST_ACK, "last-ack" },
	{ TCP_LISTEN, "listen" },           { TCP_CLOSING, "closing" },       { 0, NULL },
};

/* The same numbers have other names where there is no protocol behind them. */
static const struct word other_states[] = {
	{ TCP_ESTABLISHED, "connected" }, { TCP_LISTEN, "listen" }, { TCP_CLOSE, "unconnected" }, { 0, NULL },
};

/* The word for @number, or the number where there is none. */
static void put_word(char *out, size_t size, const struct word *word, int number)
{
	for (; word->text; word++)
		if (word->number == number) {
			strscpy(out, word->text, size);
			return;
		}
	snprintf(out, size, "%d", number);
}

static void put_inet_end(char *out, size_t size, uint16_t family, const uint8_t *address, uint16_t port)
{
	if (!port && !memchr_inv(address, 0, 16))
		return; /* not bound, or not connected */
	if (family == AF_INET6)
		snprintf(out, size, "[%pI6c]:%u", address, port);
	else
		snprintf(out, size, "%pI4:%u", address, port);
}

/*
 * The port at which a socket sends.  Where it has none there, the one under which the kernel finds
 * it for what arrives: who writes the kernel's memory can take the first away, and still receive.
 * Of a raw one that is its protocol, which stays when it is in no list any more, as any user can
 * have it.
 */
static uint16_t local_port(const struct sock *sk)
{
	const struct inet_sock *inet = inet_sk(sk);
	uint16_t sends = ntohs(READ_ONCE(inet->inet_sport)), receives = READ_ONCE(inet->inet_num);

	return sends || (receives == sk->sk_protocol && sk_unhashed(sk)) ? sends : receives;
}

/*
 * Of a copy that was made without the socket's lock, which its owner may hold for long: an end
 * that was just being set may be half of it.
 */
static void copy_inet(const struct sock *sk, struct ks_ends *ends)
{
	const struct inet_sock *inet = inet_sk(sk);

	ends->family = sk->sk_family;
	ends->local_port = local_port(sk);
	ends->remote_port = ntohs(READ_ONCE(inet->inet_dport));
	if (sk->sk_family == AF_INET) {
		memcpy(ends->local, &inet->inet_rcv_saddr, sizeof(inet->inet_rcv_saddr));
		memcpy(ends->remote, &inet->inet_daddr, sizeof(inet->inet_daddr));
	}
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6) {
		memcpy(ends->local, &sk->sk_v6_rcv_saddr, sizeof(ends->local));
		memcpy(ends->remote, &sk->sk_v6_daddr, sizeof(ends->remote));
	}
#endif
}

static void put_inet(struct ks_probe *probe, struct ks_open_socket *item)
{
	const struct ks_open_socket *kept = ks_set_kept(probe, SOCKET_KIND, item);
	const struct ks_ends *ends = &item->ends;

	if (kept && !memcmp(&kept->ends, ends, sizeof(*ends))) {
		memcpy(item->local, kept->local, sizeof(item->local));
		memcpy(item->remote, kept->remote, sizeof(item->remote));
		return;
	}
	put_inet_end(item->local, sizeof(item->local), ends->family, ends->local, ends->local_port);
	put_inet_end(item->remote, sizeof(item->remote), ends->family, ends->remote, ends->remote_port);
}

/*
 * A name, once it is there, stays until the socket goes.  NULs in an abstract one are told as "@",
 * as in /proc/net/unix.  False: it is not to be read.
 */
static bool put_unix_name(const struct sock *sk, char *out, size_t size, uint8_t *cut)
{
	const struct unix_address *address;
	char name[sizeof(address->name->sun_path)];
	int len;

	if (!KS_GET(address, &unix_sk(sk)->addr))
		return false;
	if (!address)
		return true;
	if (!KS_GET(len, &address->len))
		return false;
	len = min_t(int, len - (int)offsetof(struct sockaddr_un, sun_path), sizeof(name));
	if (len <= 0)
		return true;
	if (copy_from_kernel_nofault(name, address->name->sun_path, len))
		return false;
	if (name[0])
		len = strnlen(name, len);
	else
		for (int i = 0; i < len; i++)
			name[i] = name[i] ?: '@';
	*cut |= put_bounded(out, size, name, len, END_ESCAPED_MAX);
	return true;
}

/*
 * *@inode 0: it has none, or just lost it.  RCU keeps a socket's inode; @sk itself may be
 * anything. False: not to be read.
 */
static bool put_inode(const struct sock *sk, uint64_t *inode)
{
	struct socket *sock;
	unsigned long number;
	bool readable;

	*inode = 0;
	rcu_read_lock();
	readable = KS_GET(sock, &sk->sk_socket);
	if (readable && sock) {
		readable = KS_GET(number, &SOCK_INODE(sock)->i_ino);
		if (!ks_still(&sk->sk_socket, sock))
			readable = true;
		else if (readable)
			*inode = number;
	}
	rcu_read_unlock();
	return readable;
}

/*
 * The peer of @sk.  RCU does not keep a peer, only that @sk has it; nor can its count be raised
 * without the lock of @sk, which any user can keep busy.  So no more is taken of it than copies,
 * and they count only if @sk has the same peer after them.  False: not to be read.
 */
static bool copy_peer(const struct sock *sk, struct ks_open_socket *item)
{
	for (unsigned int i = 0; i < KS_TASK_LOOKS; i++) {
		const struct sock *peer;
		uint8_t cut = 0;
		bool readable;

		if (!KS_GET(peer, (const struct sock *const *)&unix_peer(sk)))
			return false;
		if (!peer)
			return true;
		readable = put_unix_name(peer, item->remote, sizeof(item->remote), &cut) &
			   put_inode(peer, &item->peer_inode);
		if (ks_still(&unix_peer(sk), peer)) {
			item->cut |= cut;
			return readable;
		}
		memset(item->remote, 0, sizeof(item->remote));
		item->peer_inode = 0;
	}
	item->peer_unknown = true;
	return true;
}

static bool copy_unix(const struct sock *sk, struct ks_open_socket *item)
{
	bool readable = put_unix_name(sk, item->local, sizeof(item->local), &item->cut);

	return copy_peer(sk, item) && readable;
}

/* No family's has more. */
#define SOCK_BYTES_MAX SZ_64K

/*
 * Where the structures are private, the family itself is asked: only those which take no lock that
 * is held for long.  False: that would lead to where no memory is.
 */
static bool ask(struct socket *sock, uint16_t family, struct ks_open_socket *item)
{
	const struct proto_ops *ops = READ_ONCE(sock->ops);
	const struct sock *sk = sock->sk;
	const void *getname;
	union {
		struct sockaddr any;
		struct sockaddr_nl netlink;
		struct sockaddr_ll packet;
		struct sockaddr_storage storage;
	} address = { };

	if (!KS_GET(getname, (const void *const *)&ops->getname) || !ks_is_code(getname) ||
	    !ks_is_object(sock_net(sk), sizeof(struct net)))
		return false;
	if (kernel_getsockname(sock, &address.any) < 0)
		return true;
	if (family == AF_NETLINK)
		snprintf(item->local, sizeof(item->local), "%u", address.netlink.nl_pid);
	else if (sock->type == SOCK_PACKET)
		/* As before Linux 2.2: of these the address is a name. */
		snprintf(item->local, sizeof(item->local), "%.14s", address.any.sa_data);
	else
		snprintf(item->local, sizeof(item->local), "interface %d", address.packet.sll_ifindex);
	return true;
}

/* What is asked of a socket itself, as it was while its file was there. */
static union {
	struct sock sk;
	struct inet_sock inet;
} copied;

/* It stays as long as a socket is of it.  False: there is none, or not to be read. */
static bool put_namespace(const struct sock *sk, uint32_t *inode)
{
	const struct net *net = sock_net(sk);

	return ks_is_object(net, sizeof(*net)) && KS_GET(*inode, &net->ns.inum);
}

/* Whose sockets are of which protocol, whatever they say; NULL: this kernel does not say. */
static struct {
	const char *name;
	uint16_t protocol;
	const struct proto *proto;
} protos[] = {
	{ "tcp_prot", IPPROTO_TCP, NULL },
	{ "tcpv6_prot", IPPROTO_TCP, NULL },
	{ "udp_prot", IPPROTO_UDP, NULL },
	{ "udpv6_prot", IPPROTO_UDP, NULL },
};

/*
 * If there is all of @sk that its family has of one: nobody knows how much the others have.  Which
 * family that is, its operations say, and likewise the protocol.  What it says itself is what
 * /proc/net goes by, and netlink: who writes the kernel's memory can have it say another, and it
 * stands in none of their lists, and receives as before.
 */
static bool copy_sock(const struct socket *sock, const struct sock *sk)
{
	const struct proto_ops *ops = READ_ONCE(sock->ops);
	unsigned int bytes, least = sizeof(*sk);
	const struct proto *proto;
	int family;

	if (!KS_GET(family, &ops->family) || !KS_GET(proto, &sk->sk_prot) || !KS_GET(bytes, &proto->obj_size))
		return false;
	if (family == AF_INET || family == AF_INET6)
		least = sizeof(struct inet_sock);
	else if (family == AF_UNIX)
		least = sizeof(struct unix_sock);
	if (bytes < least || bytes > SOCK_BYTES_MAX || !ks_is_object(sk, bytes) ||
	    copy_from_kernel_nofault(&copied, sk, min_t(size_t, least, sizeof(copied))))
		return false;
	copied.sk.sk_family = (unsigned short)family;
	for (unsigned int i = 0; i < ARRAY_SIZE(protos); i++)
		if (proto == protos[i].proto)
			copied.sk.sk_protocol = protos[i].protocol;
	return true;
}

/* A descriptor at which a walk looks. */
struct seen_descriptor {
	struct ks_seen_file file;
	struct ks_open_socket *item;
	struct socket *sock;            /* NULL: it is none */
	bool has_sk, whole;
};

/*
 * A socket is copied while it is there, as nothing keeps what it has of its family; but for those
 * that can only be asked.
 */
static bool see_socket(struct ks_seen_file *file, struct file *of)
{
	struct seen_descriptor *seen = container_of(file, struct seen_descriptor, file);
	struct ks_open_socket *item = seen->item;
	struct socket *sock = sock_from_file(of);
	const struct sock *sk;

	/* What was found at the look before. */
	if (seen->sock)
		memset((void *)item + offsetof(struct ks_open_socket, family), 0,
		       sizeof(*item) - offsetof(struct ks_open_socket, family));
	seen->sock = sock;
	seen->has_sk = false;
	seen->whole = true;
	if (!sock)
		return false;
	seen->whole = ks_is_object(container_of(sock, struct socket_alloc, socket), sizeof(struct socket_alloc));
	if (!seen->whole)
		return false;
	item->inode = SOCK_INODE(sock)->i_ino;
	put_word(item->type, sizeof(item->type), types, sock->type);
	sk = READ_ONCE(sock->sk);
	if (!sk)
		return false;
	seen->whole = seen->has_sk = copy_sock(sock, sk) && put_namespace(&copied.sk, &item->netns);
	if (!seen->has_sk)
		return false;
	switch (copied.sk.sk_family) {
	case AF_INET:
	case AF_INET6:
		copy_inet(&copied.sk, &item->ends);
		break;
	case AF_UNIX:
		seen->whole = copy_unix(sk, item);
		break;
	case AF_NETLINK:
	case AF_PACKET:
		return true;
	}
	return false;
}

static int tell_socket(struct ks_probe *probe, struct seen_descriptor *seen)
{
	const struct word *protocols = NULL, *states = other_states;
	struct ks_open_socket *item = seen->item;
	const struct sock *sk = &copied.sk;

	if (!seen->has_sk)
		return SOCKET_KIND;
	put_word(item->family, sizeof(item->family), families, sk->sk_family);
	switch (sk->sk_family) {
	case AF_INET:
	case AF_INET6:
		protocols = inet_protocols;
		if (seen->sock->type == SOCK_STREAM ||
		    (seen->sock->type != SOCK_RAW && sk->sk_protocol == IPPROTO_TCP))
			states = tcp_states;
		item->port = item->ends.local_port;
		put_inet(probe, item);
		break;
	case AF_NETLINK:
		protocols = netlink_protocols;
		fallthrough;
	case AF_PACKET:
		seen->whole = ask(seen->sock, sk->sk_family, item);
		break;
	}
	if (protocols)
		put_word(item->protocol, sizeof(item->protocol), protocols, sk->sk_protocol);
	put_word(item->state, sizeof(item->state), states, sk->sk_state);
	return SOCKET_KIND;
}

/* === The walk =========================================================== */

/* What the progress holds. */
enum { AT_PID, AT_FD };

/*
 * How many places in a table are looked at in one call: a table may have a million, nearly all of
 * them empty.
 */
#define PLACES_MAX 256

/*
 * Tables that more than one task has, as they were met in this pass, and under whose pid each is
 * told.  A thousand processes with one table of a million places cost their owner next to nothing:
 * it is walked once.  Where a row is full, one that was met before gives way, and is walked and
 * told once more.
 */
#define MET_IN_ROW 4
struct met {
	uintptr_t table;
	uint32_t pid, pass;
};

/*
 * What a pass may not see all of: tables, and descriptors in those that it sees.  Any user can
 * change one of his all the time, so those are counted apart.
 */
enum { TABLES, DESCRIPTORS, CHANGING, SHORTFALLS };

/* What the probe has of its own. */
struct open_files {
	struct ks_torn root_looks;
	struct ks_patience patience;
	struct ks_shortfall shortfalls[SHORTFALLS];
	struct met (*met)[MET_IN_ROW];
	unsigned int met_rows_bits;
	unsigned int met_gives_way;
	uint32_t met_pass;
};

/*
 * Under whose pid the table @files of @task is told: 0, its own.  Who was met with it must still
 * have it: a table that is given back may be another's in the same pass.
 */
static uint32_t told_under(struct open_files *own, const struct task_struct *task, const struct files_struct *files,
			   uint32_t pid)
{
	const struct files_struct *leaders;
	const struct task_struct *holder;
	struct met *row, *vacant = NULL;
	atomic_t holders;

	if (!ks_is_process(task) && KS_GET(leaders, &task->group_leader->files) && leaders == files)
		return (uint32_t)task->tgid;
	if (!KS_GET(holders, &files->count) || atomic_read(&holders) < 2)
		return 0;
	row = own->met[hash_long((uintptr_t)files, own->met_rows_bits)];
	for (unsigned int i = 0; i < MET_IN_ROW; i++) {
		if (row[i].pass != own->met_pass) {
			vacant = &row[i];
			continue;
		}
		if (row[i].table != (uintptr_t)files)
			continue;
		holder = ks_task_numbered(row[i].pid, PIDTYPE_PID);
		if (holder && holder != task && READ_ONCE(holder->files) == files)
			return row[i].pid;
		vacant = &row[i];
	}
	if (!vacant)
		vacant = &row[own->met_gives_way++ % MET_IN_ROW];
	*vacant = (struct met){ .table = (uintptr_t)files, .pid = pid, .pass = own->met_pass };
	return 0;
}

/* Of which so many are read at once. */
#define PLACES_READ 32

/*
 * 1: @seen is the next open file in the @table to which @way leads, from *@fd on and before
 * @last; 0: none.  -EFAULT, *@fd could not be read; -ENXIO, nor what is behind it; -EBUSY, *@fd
 * was another one at each look; -EAGAIN, the way has changed.
 */
static int file_in_table(const struct fdtable *table, const struct ks_link way[2], unsigned int *fd, unsigned int last,
			 struct ks_seen_file *seen)
{
	struct file *const *slots = (struct file *const *)table->fd, *some[PLACES_READ];
	int found;

	while (*fd < last) {
		unsigned int places = min_t(unsigned int, PLACES_READ, last - *fd);

		if (copy_from_kernel_nofault(some, slots + *fd, places * sizeof(*some)))
			return -ENXIO;
		for (unsigned int i = 0; i < places; i++, ++*fd) {
			if (!some[i])
				continue;
			found = ks_see_file(slots + *fd, way, 2, seen);
			if (found)
				return found;
		}
	}
	return 0;
}

/*
 * 1: @seen is the next open file in the table @files of @task's, from *@fd on, and *@fd is its
 * place; 0: not among the next places.  -EFAULT, *@fd could not be read, or what is from there on,
 * where that is *@end; -EBUSY, *@fd was another one at each look.
 */
static int file_in(const struct task_struct *task, const struct files_struct *files, unsigned int *fd,
		   unsigned int *end, struct ks_seen_file *seen)
{
	/*
	 * @files is given back at once when its last user goes, and may be another's then: it
	 * stays as long as the task has it, and with it its table.  One that gave way to a larger
	 * one is kept by RCU, but nobody closes anything in it any more: it has to be the one that
	 * @files has.
	 */
	struct ks_link way[] = { { &task->files, files }, { &files->fdt, NULL } };
	struct fdtable table;
	int found = -EAGAIN;

	for (unsigned int i = 0; i < KS_TASK_LOOKS && found == -EAGAIN; i++) {
		found = -ENXIO;
		if (KS_GET(way[1].held, &files->fdt) && KS_GET(table, (const struct fdtable *)way[1].held)) {
			*end = max(table.max_fds, *fd);
			found = file_in_table(&table, way, fd, *fd + min_t(unsigned int, PLACES_MAX, *end - *fd),
					      seen);
		}
	}
	if (found == -ENXIO) {
		*end = *fd;
		/* It has just been closed as a whole. */
		return ks_has(&task->files, files) ? -EFAULT : 0;
	}
	if (found == -EAGAIN)
		return READ_ONCE(task->files) ? -EBUSY : 0;
	return found;
}

static uint64_t place_of(const struct ks_set_progress *progress)
{
	return progress->at[AT_PID] << 32 | progress->at[AT_FD];
}

static void pass_by(struct ks_set_progress *progress)
{
	progress->at[AT_PID]++;
	progress->at[AT_FD] = 0;
}

static void count(struct open_files *own, unsigned int shortfall, bool whole)
{
	own->shortfalls[shortfall].of++;
	own->shortfalls[shortfall].looked += whole;
}

/* Of one that stood still. */
static void count_descriptor(struct open_files *own, bool whole)
{
	count(own, DESCRIPTORS, whole);
	count(own, CHANGING, true);
}

/*
 * True: @seen is the next open file of @task, and the progress behind it; false, and the progress
 * at where to go on.  *@under: likewise, and the table is told under this pid.
 */
static bool next_file(struct open_files *own, const struct task_struct *task, struct ks_set_progress *progress,
		      uint32_t *under, struct ks_seen_file *seen)
{
	const struct files_struct *files = READ_ONCE(task->files);
	unsigned int fd = progress->at[AT_FD], end = 0;
	bool readable = true;
	int found = 0;

	*under = files && !fd ? told_under(own, task, files, (uint32_t)progress->at[AT_PID]) : 0;
	if (files && !*under)
		found = file_in(task, files, &fd, &end, seen);
	if (found < 0) {
		/* Of one descriptor, or from there on. */
		readable = fd < end;
		if (found == -EBUSY)
			count(own, CHANGING, false);
		else if (readable)
			count_descriptor(own, false);
	}
	fd += !!found;
	progress->at[AT_FD] = fd;
	if (found <= 0 && fd >= end) {
		count(own, TABLES, readable);
		pass_by(progress);
	}
	return found > 0;
}

/*
 * A thread of the same process is no sharer; nor are the kernel's own threads, which all have the
 * first task's table.  A flag in a task that says it is one would be taken from whoever set it.
 */
static int copy_sharer(const struct task_struct *task, uint32_t under, const struct ks_open_file *by,
		       struct ks_sharer *item)
{
	const struct task_struct *holder = ks_task_numbered(under, PIDTYPE_PID);
	struct ks_sharer sharer = { .pid = by->pid, .of_pid = under, .start_ns = by->start_ns, .uid = by->uid };

	if (!holder || READ_ONCE(holder->signal) == READ_ONCE(task->signal) ||
	    READ_ONCE(task->files) == init_task.files)
		return KS_SET_SKIP;
	memcpy(sharer.comm, by->comm, sizeof(sharer.comm));
	*item = sharer;
	return SHARER_KIND;
}

static int open_files_next(struct ks_probe *probe, struct ks_set_progress *progress, void *space)
{
	struct open_files *own = probe->own;
	struct ks_open_file *item = space; /* both begin with whose it is */
	struct seen_descriptor seen = { .file.more = see_socket, .item = space };
	struct task_struct *task = NULL;
	struct pid *pid;
	bool pid_whole, whole = false, found = false;
	uint32_t under = 0, nr = (uint32_t)progress->at[AT_PID];
	kuid_t uid;
	int kind = KS_SET_SKIP;

	BUILD_BUG_ON(offsetof(struct ks_open_file, comm) != offsetof(struct ks_open_socket, comm));
	if (!progress->at[AT_PID]) {
		const char *why = ks_sees_root(scratch, sizeof(scratch));

		if (why)
			return ks_no_root(probe, &own->root_looks, why);
		ks_is_torn(&own->root_looks, true);
		own->patience = (struct ks_patience){ };
		for (unsigned int i = 0; i < SHORTFALLS; i++)
			own->shortfalls[i].looked = own->shortfalls[i].of = 0;
		own->met_pass += 1 + !(own->met_pass + 1); /* 0 is of no pass */
	}
	rcu_read_lock();
	pid = ks_next_pid(&nr, &pid_whole);
	if (!pid) {
		rcu_read_unlock();
		if (!pid_whole && ks_is_passing(&own->patience, nr))
			return KS_SET_ELSEWHERE;
		if (!pid_whole)
			count(own, TABLES, false);
		for (unsigned int i = 0; i < SHORTFALLS; i++)
			ks_tell_shortfall(probe, &own->shortfalls[i]);
		return KS_SET_END;
	}
	if (nr != progress->at[AT_PID])
		progress->at[AT_FD] = 0;
	progress->at[AT_PID] = nr;
	if (!ks_task_of(pid, PIDTYPE_PID, &task) || !pid_whole) {
		rcu_read_unlock();
		if (ks_is_passing(&own->patience, place_of(progress)))
			return KS_SET_ELSEWHERE;
		count(own, TABLES, false);
		pass_by(progress);
		return KS_SET_SKIP;
	}
	if (task) {
		item->pid = progress->at[AT_PID];
		item->start_ns = task->start_boottime;
		/* It may be set meanwhile: the copy then mixes two names, as it does in /proc. */
		strscpy_pad(item->comm, task->comm, sizeof(item->comm));
		whole = KS_GET(uid, &rcu_access_pointer(task->real_cred)->uid);
		if (whole)
			item->uid = from_kuid(&init_user_ns, uid);
		found = next_file(own, task, progress, &under, &seen.file);
		if (under)
			kind = copy_sharer(task, under, item, space);
	} else {
		pass_by(progress);
	}
	if (found) {
		item->fd = progress->at[AT_FD] - 1;
		kind = seen.sock ? tell_socket(probe, &seen) : copy_file(probe, &seen.file, item);
		ks_done_with_file(&seen.file);
	}
	rcu_read_unlock();
	if (!found)
		return kind;
	if (!seen.whole && ks_is_passing(&own->patience, place_of(progress))) {
		progress->at[AT_FD]--;
		return KS_SET_ELSEWHERE;
	}
	count_descriptor(own, whole && seen.whole);
	return kind;
}

/* Places for tables that are shared. */
#define MET_MIN 1024
#define MET_MAX (1UL << 18)

static int open_files_init(struct ks_probe *probe)
{
	unsigned long rows = roundup_pow_of_two(ks_processes_most(MET_MIN, MET_MAX)) / MET_IN_ROW;
	struct open_files *own = probe->own;

	ks_paths_init();
	for (unsigned int i = 0; i < ARRAY_SIZE(protos); i++)
		protos[i].proto = (const struct proto *)ks_symbol(protos[i].name);
	own->shortfalls[TABLES].view = "tables";
	own->shortfalls[DESCRIPTORS].view = "descriptors";
	own->shortfalls[CHANGING].view = "changing descriptors";
	own->met_rows_bits = ilog2(rows);
	own->met = ks_probe_alloc(probe, rows * sizeof(*own->met));
	return own->met ? 0 : -1;
}

static void open_files_exit(struct ks_probe *probe)
{
	struct open_files *own = probe->own;

	ks_port_free(own->met);
}

/*
 * One for every two pages of memory: a file that is open has a tenth of that, but two descriptors
 * may have the same.
 */
#define ITEMS_MIN 8192UL
#define ITEMS_MAX (1UL << 26)

static uint32_t open_files_items(void)
{
	return clamp(totalram_pages() / 2, ITEMS_MIN, ITEMS_MAX);
}

static const struct ks_set_type open_files_set = {
	.kinds = kinds,
	.kinds_count = ARRAY_SIZE(kinds),
	.items = open_files_items,
	.changes_max = 255,
	.init = open_files_init,
	.exit = open_files_exit,
	.next = open_files_next,
};

const struct ks_probe_type ks_linux_open_files = {
	.name = "open-files",
	.interval_ns = {
		[KS_LOW] = 30 * NSEC_PER_SEC,
		[KS_DEFAULT] = 5 * NSEC_PER_SEC,
		[KS_HIGH] = NSEC_PER_SEC,
		[KS_ADVERSARIAL] = 200 * NSEC_PER_MSEC,
	},
	.pause_ns = {
		[KS_LOW] = NSEC_PER_MSEC,
		[KS_DEFAULT] = 500 * NSEC_PER_USEC,
		[KS_HIGH] = 250 * NSEC_PER_USEC,
		[KS_ADVERSARIAL] = 0,
	},
	.own_bytes = sizeof(struct open_files),
	KS_SET_ENGINE(&open_files_set),
};
