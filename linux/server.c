// SPDX-License-Identifier: GPL-2.0-only
/*
 * server.c - the module's UNIX socket, and a thread for each client.
 *
 * Threads block in the socket layer; what ends them is that the socket is shut down under them.
 */
#include <linux/cred.h>
#include <linux/list.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <linux/un.h>
#include <net/af_unix.h>
#include <net/sock.h>

#include "compat.h"
#include "ksense.h"

/* The default socket's, which nobody else uses. */
#define OWN_FOLDER "/run/ksense"
/*
 * Of the clients there may be, so many may be such as only read: they cannot keep out who
 * controls.
 */
#define READERS_MAX (KS_CLIENTS_MAX / 2)
/*
 * Such a one that has not read for so long what it is told gives up its place, if another wants
 * it.  It may be nobody's any more: when a client's end of the connection was sent through that
 * connection itself, as SCM_RIGHTS, and waits there behind what the thread does not get to, as
 * nobody reads, then it has no end but this.
 */
#define UNREAD_NS (30 * NSEC_PER_SEC)

enum rights { MAY_NOTHING, MAY_LOOK, MAY_CONTROL };

struct peer {
	struct list_head list;
	struct task_struct *thread;
	struct socket *sock;
	bool done;              /* nothing more comes from its thread */
	uint64_t unread_ns;     /* since when its thread waits to be read; 0: it does not */
	struct ks_client client;
	char in[1024];
};

static struct {
	struct ks_sensor *sensor;
	struct socket *listener;
	struct task_struct *thread;
	struct list_head peers;
	unsigned int peers_count, readers_count;
	kgid_t group;           /* whose members may read; invalid: none's */
	bool stopping;
} server = { .peers = LIST_HEAD_INIT(server.peers) };

/* === A client =========================================================== */

static bool send_all(struct ks_client *client, const char *bytes, size_t len)
{
	struct peer *peer = container_of(client, struct peer, client);

	while (len) {
		struct msghdr msg = { .msg_flags = MSG_NOSIGNAL };
		struct kvec vec = { .iov_base = (void *)bytes, .iov_len = len };
		int sent;

		WRITE_ONCE(peer->unread_ns, ks_port_time_ns());
		sent = kernel_sendmsg(peer->sock, &msg, &vec, 1, len);
		WRITE_ONCE(peer->unread_ns, 0);
		if (sent <= 0)
			return false;
		bytes += sent;
		len -= sent;
	}
	return true;
}

/*
 * One that will send nothing more may still read; but one that has closed its socket, or whose
 * socket was shut down from here, does not.  A fresh sample is taken in the client's thread, step
 * by step: between two of them others get their turn.
 */
static bool is_gone(struct ks_client *client)
{
	const struct peer *peer = container_of(client, struct peer, client);

	cond_resched();
	return READ_ONCE(peer->sock->sk->sk_shutdown) & SEND_SHUTDOWN;
}

/* Bytes that came, 0 at the end of the stream, -EAGAIN when none came in time. */
static int receive(struct peer *peer)
{
	uint64_t patience_ns = ks_client_patience_ns(&peer->client);
	struct msghdr msg = { };
	struct kvec vec = { .iov_base = peer->in, .iov_len = sizeof(peer->in) };

	/* 0 does not wait at all. */
	WRITE_ONCE(peer->sock->sk->sk_rcvtimeo, patience_ns == UINT64_MAX ? MAX_SCHEDULE_TIMEOUT :
						patience_ns ? nsecs_to_jiffies(patience_ns) + 1 : 0);
	return kernel_recvmsg(peer->sock, &msg, &vec, 1, sizeof(peer->in), 0);
}

static int peer_thread(void *data)
{
	struct peer *peer = data;
	bool go_on = true;

	while (go_on) {
		int came = receive(peer);

		/* Who sends all the time never has it sleep. */
		cond_resched();
		if (came == -EAGAIN) {
			go_on = ks_client_quiet(&peer->client);
			continue;
		}
		if (!came)
			ks_client_end(&peer->client);
		if (came <= 0)
			break;
		go_on = ks_client_bytes(&peer->client, peer->in, came);
	}
	kernel_sock_shutdown(peer->sock, SHUT_RDWR);
	smp_store_release(&peer->done, true);
	return 0;
}

/* Who it is, for the records of what he does. */
static void name_caller(struct ks_caller *caller, struct socket *sock)
{
	spin_lock(&sock->sk->sk_peer_lock);
	if (sock->sk->sk_peer_cred)
		caller->id = from_kuid(&init_user_ns, sock->sk->sk_peer_cred->euid);
	caller->pid = pid_nr(sock->sk->sk_peer_pid);
	spin_unlock(&sock->sk->sk_peer_lock);
}

/* Its thread may be over already: the reference that was taken on it makes kthread_stop() safe. */
static void free_peer(struct peer *peer)
{
	kernel_sock_shutdown(peer->sock, SHUT_RDWR);
	kthread_stop(peer->thread);
	put_task_struct(peer->thread);
	sock_release(peer->sock);
	list_del(&peer->list);
	server.peers_count--;
	server.readers_count -= !peer->client.caller.control;
	kvfree(peer);
}

static void free_peers(bool all)
{
	struct peer *peer, *next;

	if (all)
		list_for_each_entry(peer, &server.peers, list)
			kernel_sock_shutdown(peer->sock, SHUT_RDWR);
	list_for_each_entry_safe(peer, next, &server.peers, list)
		if (all || smp_load_acquire(&peer->done))
			free_peer(peer);
}

/*
 * Whether there is a place for one more with these @rights, which may be that of one that only
 * reads, and does not.
 */
static bool make_room(enum rights rights)
{
	struct peer *peer, *unread = NULL;
	uint64_t longest_ns = UNREAD_NS;

	if (server.peers_count < KS_CLIENTS_MAX && (rights != MAY_LOOK || server.readers_count < READERS_MAX))
		return true;
	list_for_each_entry(peer, &server.peers, list) {
		uint64_t since_ns = READ_ONCE(peer->unread_ns);
		uint64_t waits_ns = since_ns ? ks_port_time_ns() - since_ns : 0;

		if (waits_ns > longest_ns && !peer->client.caller.control) {
			longest_ns = waits_ns;
			unread = peer;
		}
	}
	/* Its thread makes no steps of a probe, so it is soon over. */
	if (unread)
		free_peer(unread);
	return unread;
}

static bool is_member(const struct cred *cred, kgid_t group)
{
	if (gid_eq(cred->egid, group))
		return true;
	for (int i = 0; i < cred->group_info->ngroups; i++)
		if (gid_eq(cred->group_info->gid[i], group))
			return true;
	return false;
}

/*
 * Of who connected, not who holds the socket now.  A uid says nothing: root may have been
 * stripped of what makes it root, as in a container.  Nor does a capability in a user namespace
 * that anybody may make.
 */
static enum rights rights_of(struct socket *sock)
{
	enum rights rights = MAY_NOTHING;
	const struct cred *cred;

	spin_lock(&sock->sk->sk_peer_lock);
	cred = sock->sk->sk_peer_cred ? get_cred(sock->sk->sk_peer_cred) : NULL;
	spin_unlock(&sock->sk->sk_peer_lock);
	if (!cred)
		return MAY_NOTHING;
	if (cred->user_ns == &init_user_ns && cap_raised(cred->cap_effective, CAP_SYS_ADMIN))
		rights = MAY_CONTROL;
	else if (gid_valid(server.group) && is_member(cred, server.group))
		rights = MAY_LOOK;
	put_cred(cred);
	return rights;
}

/* Says why, as far as the client listens. */
static int refuse(struct socket *sock, const char *why, int error)
{
	struct msghdr msg = { .msg_flags = MSG_NOSIGNAL | MSG_DONTWAIT };
	struct kvec vec = { .iov_base = (void *)why, .iov_len = strlen(why) };

	kernel_sendmsg(sock, &msg, &vec, 1, vec.iov_len);
	return error;
}

/* The socket is the peer's from now on, or nobody's: then -errno. */
static int serve(struct socket *sock)
{
	enum rights rights = rights_of(sock);
	struct peer *peer;

	if (rights == MAY_NOTHING)
		return refuse(sock, ks_client_denial, -EPERM);
	if (!make_room(rights))
		return refuse(sock, ks_client_refusal, -EBUSY);
	peer = kvzalloc(sizeof(*peer), GFP_KERNEL);
	if (!peer)
		return -ENOMEM;
	peer->sock = sock;
	ks_client_init(&peer->client, server.sensor, rights == MAY_CONTROL, send_all, is_gone);
	name_caller(&peer->client.caller, sock);
	peer->thread = kthread_create(peer_thread, peer, KBUILD_MODNAME "/client");
	if (IS_ERR(peer->thread)) {
		kvfree(peer);
		return -ENOMEM;
	}
	get_task_struct(peer->thread);
	list_add(&peer->list, &server.peers);
	server.peers_count++;
	server.readers_count += rights == MAY_LOOK;
	wake_up_process(peer->thread);
	return 0;
}

/* === The listener ======================================================= */

static int listener_thread(void *data)
{
	while (!READ_ONCE(server.stopping)) {
		struct socket *sock;
		int error;

		/*
		 * What a client leaves is cleared away at the next connection, or within a second.
		 */
		WRITE_ONCE(server.listener->sk->sk_rcvtimeo, server.peers_count ? HZ : MAX_SCHEDULE_TIMEOUT);
		cond_resched();
		error = kernel_accept(server.listener, &sock, 0);
		if (READ_ONCE(server.stopping)) {
			if (!error)
				sock_release(sock);
			break;
		}
		free_peers(false);
		if (!error && serve(sock))
			sock_release(sock);
		else if (error && error != -EAGAIN)
			schedule_timeout_interruptible(HZ / 10); /* no memory: a client may go */
	}
	/* kthread_stop() waits for this thread's end, whether it has come or not. */
	return 0;
}

/* As in a system call: the socket layer writes a NUL behind the longest path. */
union address {
	struct sockaddr_storage storage;
	struct sockaddr_un un;
};

/* The address of @path; its length, or 0 when the path is too long for one. */
static int address_of(const char *path, union address *address)
{
	size_t len = strlen(path);

	memset(address, 0, sizeof(*address));
	address->un.sun_family = AF_UNIX;
	if (!len || len >= sizeof(address->un.sun_path))
		return 0;
	memcpy(address->un.sun_path, path, len);
	if (*path == '@')
		address->un.sun_path[0] = '\0';
	return offsetof(struct sockaddr_un, sun_path) + len + (*path != '@');
}

/* Removes @at, if that is a socket's file and still there. */
static int unlink_socket(const struct path *at)
{
	struct dentry *parent;
	int error = mnt_want_write(at->mnt);

	if (error)
		return error;
	parent = dget_parent(at->dentry);
	inode_lock_nested(d_inode(parent), I_MUTEX_PARENT);
	if (at->dentry->d_parent != parent || d_unhashed(at->dentry) || d_is_negative(at->dentry))
		error = -ENOENT;
	else if (!S_ISSOCK(d_inode(at->dentry)->i_mode))
		error = -ENOTSOCK;
	else
		error = vfs_unlink(ks_mnt_idmap(at->mnt), d_inode(parent), at->dentry, NULL);
	inode_unlock(d_inode(parent));
	dput(parent);
	mnt_drop_write(at->mnt);
	return error;
}

/* Removes whatever socket's file is at @path. */
static int remove_socket(const char *path)
{
	struct path at;
	int error = kern_path(path, 0, &at);

	if (error)
		return error;
	error = unlink_socket(&at);
	path_put(&at);
	return error;
}

/*
 * Removes the listener's file, if it has one: the file itself, as whoever unloads the module may
 * stand in another folder than who loaded it, or have another root directory.
 */
static void forget_socket(void)
{
	const struct unix_sock *sock = unix_sk(server.listener->sk);

	if (sock->path.dentry)
		unlink_socket(&sock->path);
}

/* Whether somebody listens there. */
static bool is_live(union address *address, int len)
{
	struct socket *sock;
	int error;

	if (sock_create_kern(&init_net, PF_UNIX, SOCK_STREAM, 0, &sock))
		return true;
	error = kernel_connect(sock, (void *)address, len, O_NONBLOCK);
	sock_release(sock);
	return error != -ECONNREFUSED;
}

/* Makes @at root's, with @mode, or, where a group may read, the group's with @group_mode. */
static int set_access(const struct path *at, umode_t mode, umode_t group_mode)
{
	bool grouped = gid_valid(server.group);
	struct inode *inode = d_inode(at->dentry);
	struct iattr attr = {
		.ia_valid = ATTR_MODE | ATTR_UID | ATTR_GID,
		.ia_mode = (inode->i_mode & S_IFMT) | (grouped ? group_mode : mode),
		.ia_uid = GLOBAL_ROOT_UID,
		.ia_gid = grouped ? server.group : GLOBAL_ROOT_GID,
	};
	int error = mnt_want_write(at->mnt);

	if (error)
		return error;
	inode_lock(inode);
	error = notify_change(ks_mnt_idmap(at->mnt), at->dentry, &attr, NULL);
	inode_unlock(inode);
	mnt_drop_write(at->mnt);
	return error;
}

/* The folder of the socket, if it is not there: for root, and for the group that may read. */
static void make_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct dentry *dentry;
	bool made = false;
	struct path parent;
	char *folder;

	if (!slash || slash == path)
		return;
	folder = kstrndup(path, slash - path, GFP_KERNEL);
	if (!folder)
		return;
	dentry = start_creating_path(AT_FDCWD, folder, &parent, LOOKUP_DIRECTORY);
	if (!IS_ERR(dentry))
		made = ks_make_folder(&parent, dentry, 0700);
	/* The default one may be there from before, when it was for others. */
	if ((made || !strcmp(folder, OWN_FOLDER)) && !kern_path(folder, 0, &parent)) {
		set_access(&parent, 0700, 0750);
		path_put(&parent);
	}
	kfree(folder);
}

static int listen_on(const char *path)
{
	union address address;
	int len = address_of(path, &address), error;

	if (!len)
		return -ENAMETOOLONG;
	if (*path != '@')
		make_folder(path);
	error = sock_create_kern(&init_net, PF_UNIX, SOCK_STREAM, 0, &server.listener);
	if (error)
		return error;
	/* The file's mode comes from here, until it is given to the group. */
	SOCK_INODE(server.listener)->i_mode &= ~077;
	error = kernel_bind(server.listener, (void *)&address, len);
	if (error == -EADDRINUSE && *path != '@' && !is_live(&address, len))
		error = remove_socket(path) ?: kernel_bind(server.listener, (void *)&address, len);
	if (!error && unix_sk(server.listener->sk)->path.dentry && gid_valid(server.group))
		error = set_access(&unix_sk(server.listener->sk)->path, 0700, 0660);
	if (!error)
		error = kernel_listen(server.listener, 64);
	if (error) {
		forget_socket();
		sock_release(server.listener);
	}
	return error;
}

/* === Interface ========================================================== */

int ks_server_start(struct ks_sensor *sensor, const char *path, long group)
{
	int error;

	server.sensor = sensor;
	server.group = group < 0 ? INVALID_GID : make_kgid(&init_user_ns, (gid_t)group);
	error = listen_on(path);
	if (error) {
		pr_err(KBUILD_MODNAME ": cannot listen on %s: error %d%s\n", path, error,
		       error == -EADDRINUSE ? ", somebody does already" : "");
		return error;
	}
	server.thread = kthread_create(listener_thread, NULL, KBUILD_MODNAME "/listen");
	if (IS_ERR(server.thread)) {
		forget_socket();
		sock_release(server.listener);
		return PTR_ERR(server.thread);
	}
	get_task_struct(server.thread);
	wake_up_process(server.thread);
	return 0;
}

void ks_server_stop(void)
{
	WRITE_ONCE(server.stopping, true);
	kernel_sock_shutdown(server.listener, SHUT_RDWR);
	kthread_stop(server.thread);
	put_task_struct(server.thread);
	free_peers(true);
	forget_socket();
	sock_release(server.listener);
}
