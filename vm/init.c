// SPDX-License-Identifier: MIT
/*
 * init: process 1 of the emulated machine: in Dom0, in Linux without Xen, and in the small guest.
 *
 * It gets the machine into a usable state, runs one command, hands out what the
 * command printed and how it ended, and turns the machine off. A C program and not
 * a shell script because a fork under a hypervisor under emulation is slow, and
 * because output has to be relayed byte by byte and still end with the command,
 * whatever it left running in the background.
 *
 * What it finds in its initrd:
 *   /etc/vm/modules   modules to load: one "FILE PARAMETERS" a line, in order
 *   /etc/vm/setup     if there, a script that is run before the command
 *   /etc/vm/command   the command, for sh -c
 * and, as variables given on the kernel's command line, vm_mode:
 *   ports    (Dom0) output, errors and status go to virtio ports 1, 2 and 3
 *   shell    (Dom0) the command is a shell on the virtio console
 *   console  (guest) output goes to the console between two marker lines
 *   keep     (guest) the same, but the guest lives on afterwards
 * and vm_tty, the terminal of the shell.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define PORT_STDOUT "/dev/vport0p1"
#define PORT_STDERR "/dev/vport0p2"
#define PORT_STATUS "/dev/vport0p3"
#define SHELL_TTY   "hvc1" /* hvc0 is Xen's own, if there is Xen */

#define PORT_WAIT_MS 10000
#define PIPE_BYTES   (1 << 20)

/* vm/domu-start looks for these. */
#define MARK_BEGIN "\n<<<vm-begin>>>\n"
#define MARK_END   "\n<<<vm-end %d>>>\n"

/* === What went wrong === */

static void turn_off(void) __attribute__((noreturn));

/*
 * By a reset, which QEMU's -no-reboot and the guest's on_reboot turn into an end.
 * To enter ACPI's S5, Xen waits for the next full second of the clock first.
 */
static void turn_off(void)
{
    reboot(RB_AUTOBOOT);
    /* PID 1 must not return, whatever happens. */
    for ( ;; )
        pause();
}

/* To the kernel's log, as that reaches the console wherever we are. */
static void __attribute__((format(printf, 1, 2))) complain(const char *fmt, ...)
{
    char text[512];
    va_list args;
    int n = snprintf(text, sizeof(text), "<2>vm-init: "), fd;

    va_start(args, fmt);
    n += vsnprintf(text + n, sizeof(text) - n, fmt, args);
    va_end(args);
    if ( n > (int)sizeof(text) - 1 )
        n = sizeof(text) - 1;

    fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
    if ( fd >= 0 )
    {
        (void)!write(fd, text, n);
        close(fd);
    }
}

#define give_up(...) do { complain(__VA_ARGS__); turn_off(); } while ( 0 )

/* === Setting up === */

static void mount_all(void)
{
    static const struct {
        const char *type, *dir, *options;
    } list[] = {
        { "devtmpfs", "/dev",        "mode=0755" },
        { "proc",     "/proc",       NULL },
        { "sysfs",    "/sys",        NULL },
        { "devpts",   "/dev/pts",    "mode=0620,ptmxmode=0666" },
        { "tmpfs",    "/run",        "mode=0755" },
        { "tmpfs",    "/tmp",        "mode=1777" },
        { "debugfs",  "/sys/kernel/debug", NULL },
    };

    for ( size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++ )
    {
        mkdir(list[i].dir, 0755);
        if ( mount(list[i].type, list[i].dir, list[i].type, 0,
                   list[i].options) && errno != EBUSY )
            complain("cannot mount %s: %s", list[i].dir, strerror(errno));
    }
    mkdir("/run/xen", 0755);
    mkdir("/run/lock", 0755);
}

static void load_modules(void)
{
    bool under_xen = !access("/sys/hypervisor/type", F_OK);
    char line[512];
    FILE *list = fopen("/etc/vm/modules", "re");

    if ( !list )
        return;

    while ( fgets(line, sizeof(line), list) )
    {
        char *params;
        int fd;

        line[strcspn(line, "\n")] = 0;
        params = strchr(line, ' ');
        if ( params )
            *params++ = 0;

        if ( !under_xen && !strncmp(basename(line), "xen", 3) )
            continue;
        fd = open(line, O_RDONLY | O_CLOEXEC);
        if ( fd < 0 ||
             (syscall(SYS_finit_module, fd, params ? params : "", 0) &&
              errno != EEXIST) )
            complain("cannot load %s: %s", line, strerror(errno));
        if ( fd >= 0 )
            close(fd);
    }
    fclose(list);

    /* Its file system came with a module. */
    if ( under_xen && mount("xenfs", "/proc/xen", "xenfs", 0, NULL) )
        complain("cannot mount /proc/xen: %s", strerror(errno));
}

/* Ports appear a moment after the module: the host has to announce them. */
static int open_port(const char *path, int flags)
{
    for ( int ms = 0; ; ms++ )
    {
        int fd = open(path, flags | O_CLOEXEC);

        if ( fd >= 0 )
            return fd;
        if ( (errno != ENOENT && errno != ENXIO && errno != ENODEV) ||
             ms == PORT_WAIT_MS )
            give_up("cannot open %s: %s", path, strerror(errno));
        usleep(1000);
    }
}

static char *read_command(void)
{
    struct stat st;
    char *text;
    int fd = open("/etc/vm/command", O_RDONLY | O_CLOEXEC);

    if ( fd < 0 || fstat(fd, &st) || !(text = calloc(1, st.st_size + 1)) ||
         read(fd, text, st.st_size) != st.st_size )
        give_up("cannot read /etc/vm/command: %s", strerror(errno));
    close(fd);
    return text;
}

/* === Running === */

/* In the child: a life without what process 1 needs for itself. */
static void __attribute__((noreturn)) become(char *const argv[])
{
    static char *const env[] = {
        "HOME=/root", "USER=root", "TERM=linux",
        "PATH=/root:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        NULL
    };
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if ( chdir("/root") == 0 )
        execve(argv[0], argv, env);
    complain("cannot run %s: %s", argv[0], strerror(errno));
    _exit(127);
}

static int exit_status(int wstatus)
{
    return WIFSIGNALED(wstatus) ? 128 + WTERMSIG(wstatus)
                                : WEXITSTATUS(wstatus);
}

static int wait_for(pid_t pid)
{
    int wstatus;

    for ( ;; )
    {
        pid_t got = waitpid(-1, &wstatus, 0);

        if ( got == pid )
            return exit_status(wstatus);
        if ( got < 0 && errno != EINTR )
            give_up("lost process %d: %s", (int)pid, strerror(errno));
    }
}

static void run_setup(void)
{
    char *argv[] = { "/bin/sh", "/etc/vm/setup", NULL };
    pid_t pid;
    int status;

    if ( access("/etc/vm/setup", R_OK) )
        return;
    pid = fork();
    if ( pid < 0 )
        give_up("cannot fork: %s", strerror(errno));
    if ( pid == 0 )
        become(argv);
    status = wait_for(pid);
    if ( status )
        give_up("setup ended with status %d", status);
}

static void write_all(int fd, const char *data, ssize_t n)
{
    while ( n > 0 )
    {
        ssize_t done = write(fd, data, n);

        if ( done < 0 && errno != EINTR && errno != EAGAIN )
            return; /* nobody reads any more */
        if ( done > 0 )
        {
            data += done;
            n -= done;
        }
    }
}

/* Passes on what there is; false at the end. */
static bool relay(int from, int to)
{
    static char data[64 * 1024];
    ssize_t n = read(from, data, sizeof(data));

    if ( n > 0 )
        write_all(to, data, n);
    return n > 0 || (n < 0 && errno == EINTR);
}

/*
 * Runs a command with its output relayed. Through pipes, because a port can be
 * opened only once, and commands do open /dev/stderr.
 */
static int run_relayed(char *command, int to_out, int to_err)
{
    char *argv[] = { "/bin/sh", "-c", command, NULL };
    int out[2], err[2], status = -1, wstatus;
    sigset_t child_ends;
    pid_t pid, got;

    sigemptyset(&child_ends);
    sigaddset(&child_ends, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child_ends, NULL);

    if ( pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) )
        give_up("cannot make a pipe: %s", strerror(errno));
    fcntl(out[1], F_SETPIPE_SZ, PIPE_BYTES);

    pid = fork();
    if ( pid < 0 )
        give_up("cannot fork: %s", strerror(errno));
    if ( pid == 0 )
    {
        setsid();
        dup2(open("/dev/null", O_RDONLY), 0);
        dup2(out[1], 1);
        dup2(err[1], 2);
        become(argv);
    }
    close(out[1]);
    close(err[1]);

    struct pollfd watch[] = {
        { .fd = out[0], .events = POLLIN },
        { .fd = err[0], .events = POLLIN },
        { .fd = signalfd(-1, &child_ends, SFD_CLOEXEC | SFD_NONBLOCK),
          .events = POLLIN },
    };

    /*
     * When the command has ended, what is in the pipes is still handed out, but
     * nobody waits for what it left in the background.
     */
    for ( ;; )
    {
        int n = poll(watch, 3, status < 0 ? -1 : 0);

        if ( n < 0 && errno != EINTR )
            give_up("cannot poll: %s", strerror(errno));
        if ( n <= 0 && status >= 0 )
            return status;
        if ( n <= 0 )
            continue;
        if ( watch[0].revents && !relay(out[0], to_out) )
            watch[0].fd = -1;
        if ( watch[1].revents && !relay(err[0], to_err) )
            watch[1].fd = -1;
        if ( watch[2].revents )
        {
            struct signalfd_siginfo info;

            (void)!read(watch[2].fd, &info, sizeof(info));
            while ( (got = waitpid(-1, &wstatus, WNOHANG)) > 0 )
                if ( got == pid )
                    status = exit_status(wstatus);
        }
    }
}

static int run_shell(char *command)
{
    char *argv[] = { "/bin/sh", "-c", command, NULL };
    const char *rows = getenv("vm_rows"), *columns = getenv("vm_columns");
    const char *name = getenv("vm_tty");
    char path[32];
    int tty;
    struct winsize size = {
        .ws_row = rows ? atoi(rows) : 24,
        .ws_col = columns ? atoi(columns) : 80,
    };
    pid_t pid;

    snprintf(path, sizeof(path), "/dev/%s", name ? name : SHELL_TTY);
    tty = open_port(path, O_RDWR | O_NOCTTY);
    pid = fork();
    if ( pid < 0 )
        give_up("cannot fork: %s", strerror(errno));
    if ( pid == 0 )
    {
        setsid();
        ioctl(tty, TIOCSCTTY, 1);
        ioctl(tty, TIOCSWINSZ, &size);
        dup2(tty, 0);
        dup2(tty, 1);
        dup2(tty, 2);
        become(argv);
    }
    pid = wait_for(pid);
    tcdrain(tty);
    return pid;
}

/* === The guest's console === */

/* Raw, so that the log of the console has the bytes that were written. */
static int open_console(void)
{
    int fd = open("/dev/hvc0", O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios tio;

    if ( fd < 0 )
        give_up("cannot open the console: %s", strerror(errno));
    if ( tcgetattr(fd, &tio) == 0 )
    {
        cfmakeraw(&tio);
        tcsetattr(fd, TCSANOW, &tio);
    }
    return fd;
}

static void run_on_console(char *command)
{
    char end[64];
    int console = open_console(), n;

    klogctl(6, NULL, 0); /* no kernel messages between the marks */
    write_all(console, MARK_BEGIN, sizeof(MARK_BEGIN) - 1);
    n = run_relayed(command, console, console);
    n = snprintf(end, sizeof(end), MARK_END, n);
    write_all(console, end, n);
    tcdrain(console);
}

int main(void)
{
    const char *mode = getenv("vm_mode");
    char status[16];
    char *command;
    int out, err, port, n;

    if ( getpid() != 1 )
    {
        fputs("init: this program is process 1 of the emulated machine\n",
              stderr);
        return 1;
    }
    mount_all();
    load_modules();
    run_setup();
    command = read_command();
    if ( !mode )
        mode = "ports";

    if ( !strcmp(mode, "console") || !strcmp(mode, "keep") )
    {
        run_on_console(command);
        while ( !strcmp(mode, "keep") )
            wait(NULL) < 0 ? pause() : 0;
        turn_off();
    }

    port = open_port(PORT_STATUS, O_WRONLY);
    if ( !strcmp(mode, "shell") )
        n = run_shell(command);
    else
    {
        out = open_port(PORT_STDOUT, O_WRONLY);
        err = open_port(PORT_STDERR, O_WRONLY);
        n = run_relayed(command, out, err);
    }
    n = snprintf(status, sizeof(status), "exit %d\n", n);
    write_all(port, status, n);
    turn_off();
}
