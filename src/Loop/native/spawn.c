/*
 * Starts a child with what posix_spawn(3) can't say: user and groups, resource limits, umask, a parent-death signal,
 * no_new_privs, a control group at birth, and a pidfd that comes with the child.
 *
 * Constraints
 *  - Between its birth and its exec the child lives in a copy of one thread of a process that has many: it may call nothing
 *    that takes a lock or memory, and nothing of the C library. Here that is nothing but the kernel: this file needs no
 *    library and no header of one, so one binary serves glibc and musl.
 *  - With CLONE_VM it even shares the parent's memory, and a change of credentials there makes the *parent* undumpable
 *    (commit_creds() marks the memory, which is both's): where user or groups change, the memory is a copy.
 *  - The C library's setuid(3) and its kin tell every thread of the process; the raw calls change the caller alone.
 *
 * Scheme
 *  - CLONE_VFORK holds the calling thread until the child's exec or exit, so its stack, and what the request points to, stay.
 *    The child runs on a piece of that stack, below the frames in use.
 *  - A step that fails writes its name and errno where the parent reads it, and exits. There is no child then: it is reaped.
 */

#include <stddef.h>
#include <stdint.h>

/* ---- The kernel's interface, by its own headers ---- */

#if defined(__x86_64__) /* asm/unistd_64.h */
enum { NR_ioctl = 16, NR_dup3 = 292, NR_fcntl = 72, NR_close = 3, NR_rt_sigaction = 13, NR_rt_sigprocmask = 14, NR_mmap = 9,
       NR_munmap = 11, NR_getpid = 39, NR_getppid = 110, NR_setsid = 112, NR_setpgid = 109, NR_prlimit64 = 302, NR_umask = 95,
       NR_chdir = 80, NR_setgroups = 116, NR_setresgid = 119, NR_setresuid = 117, NR_prctl = 157, NR_execve = 59,
       NR_exit_group = 231, NR_wait4 = 61, NR_openat = 257, NR_write = 1 };
#elif defined(__aarch64__) /* asm-generic/unistd.h */
enum { NR_ioctl = 29, NR_dup3 = 24, NR_fcntl = 25, NR_close = 57, NR_rt_sigaction = 134, NR_rt_sigprocmask = 135, NR_mmap = 222,
       NR_munmap = 215, NR_getpid = 172, NR_getppid = 173, NR_setsid = 157, NR_setpgid = 154, NR_prlimit64 = 261, NR_umask = 166,
       NR_chdir = 49, NR_setgroups = 159, NR_setresgid = 149, NR_setresuid = 147, NR_prctl = 167, NR_execve = 221,
       NR_exit_group = 94, NR_wait4 = 260, NR_openat = 56, NR_write = 64 };
#else
#error "Only x86-64 and arm64 are known here."
#endif
enum { NR_clone3 = 435, NR_close_range = 436 }; /* the same everywhere */

#define CLONE_VM 0x100ull
#define CLONE_FILES 0x400ull
#define CLONE_PIDFD 0x1000ull
#define CLONE_VFORK 0x4000ull
#define CLONE_CLEAR_SIGHAND 0x100000000ull /* linux/sched.h, Linux 5.5 */
#define CLONE_INTO_CGROUP 0x200000000ull /* linux/sched.h, Linux 5.7 */
enum { SIGCHLD = 17, SIG_IGN = 1, SIG_BLOCK = 0, SIG_SETMASK = 2, SIGNALS = 64, SIGSET_BYTES = 8 };
enum { F_SETFD = 2, TCGETS = 0x5401, TIOCSCTTY = 0x540E, TIOCSPGRP = 0x5410, TERMIOS_BYTES = 36 }; /* asm-generic/termbits.h */
enum { PR_SET_PDEATHSIG = 1, PR_SET_NO_NEW_PRIVS = 38 };
enum { PROT_READ_WRITE = 1 | 2, MAP_SHARED_ANONYMOUS = 0x1 | 0x20 };
enum { STDERR = 2 };
enum { ESRCH = 3, EINTR = 4, ENOMEM = 12, EMFILE = 24, EPROTO = 71 };
enum { O_WRONLY = 1 };
enum { CLOSE_RANGE_UNSHARE = 2 }; /* linux/close_range.h */

struct clone_args { /* linux/sched.h, the version of Linux 5.7 */
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

struct kernel_sigaction { /* linux/signal_types.h on both machines; all zero is SIG_DFL */
    uint64_t handler, flags, restorer, mask;
};

static inline long call6(long number, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
    return result;
#else
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
#endif
}

#define CALL(name, a, b, c, d) call6(NR_##name, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

/* ---- The request; the same in C# (SpawnHelper.cs) ---- */

enum { VERSION = 2 };

enum flags {
    NEW_SESSION = 1 << 0,          /* setsid(2) */
    NEW_GROUP = 1 << 1,            /* setpgid(2) */
    FOREGROUND = 1 << 2,           /* its group gets the terminal on its descriptor 0 */
    CONTROLLING_TERMINAL = 1 << 3, /* its descriptor `terminal` becomes its controlling terminal */
    SET_UMASK = 1 << 4,
    SET_GROUPS = 1 << 5,
    SET_GROUP = 1 << 6,
    SET_USER = 1 << 7,
    INTO_CGROUP = 1 << 8,
    NO_NEW_PRIVS = 1 << 9,
    NEW_GROUP_UNLESS_TERMINAL = 1 << 10, /* setpgid(2), but where its descriptor 0, not moved, is a terminal */
    COPIES_TABLE = 1 << 11,              /* the child copies our table of descriptors, not clone3(2) */
};

enum step {
    STEP_NONE,
    STEP_VERSION,
    STEP_MEMORY,
    STEP_CLONE,
    STEP_CGROUP,
    STEP_SIGNALS,
    STEP_SESSION,
    STEP_GROUP,
    STEP_DESCRIPTOR, /* detail: its number in the child */
    STEP_TERMINAL,
    STEP_CLOSE,
    STEP_LIMIT, /* detail: RLIMIT_x */
    STEP_DIRECTORY,
    STEP_SETGROUPS,
    STEP_SETGID,
    STEP_SETUID,
    STEP_DEATH_SIGNAL,
    STEP_PARENT_GONE,
    STEP_NO_NEW_PRIVS,
    STEP_MASK,
    STEP_EXEC,
};

struct move {
    int32_t target, source; /* source -1: the child has nothing at that number */
};

struct range {
    uint32_t first, last;
};

struct limit {
    uint64_t soft, hard;
    uint64_t resource;
};

struct request {
    uint32_t size, version;
    const char *path;
    char *const *argv;
    char *const *envp;
    const char *directory;       /* NULL: the parent's */
    const struct move *moves;    /* in any order: no target is the source of another */
    const struct range *closing; /* after the moves */
    const struct limit *limits;
    const uint32_t *groups;
    uint64_t default_signals; /* bit n-1 stands for signal n */
    uint32_t move_count, closing_count, limit_count, group_count;
    uint32_t flags, umask, user, group;
    int32_t death_signal; /* 0: none */
    int32_t cgroup;       /* a directory of cgroup2 */
    int32_t terminal;
    int32_t pidfd;  /* out: close-on-exec, the caller's; -1 without a child */
    int32_t step;   /* out: where it failed */
    int32_t detail; /* out: see the steps */
    int32_t leads_group; /* out: it has a group, or a session, of its own */
};

/* What the child says, in memory that both see. */
struct report {
    volatile int32_t begun; /* it has run at all */
    volatile int32_t step, detail, errno_;
    volatile int32_t leads_group;
};

struct child {
    const struct request *request;
    struct report *report;
    long parent;       /* its pid; only for the death signal */
    int joins_cgroup;  /* by itself: it was not born there */
};

/* ---- The child ---- */

static _Noreturn void fail(struct child *child, enum step step, int detail, long result)
{
    child->report->detail = detail;
    child->report->errno_ = (int32_t)-result;
    child->report->step = step;
    for (;;)
        CALL(exit_group, 127, 0, 0, 0);
}

static void dispositions(struct child *child)
{
    /* CLONE_CLEAR_SIGHAND has removed the handlers: the mask goes before the exec, and a handler that ran in between would
       believe itself to be in the parent. What is ignored stays ignored, so all that is asked for is set. */
    static const struct kernel_sigaction by_default;
    for (int signal = 1; signal <= SIGNALS; signal++) {
        enum { SIGKILL = 9, SIGSTOP = 19 };
        if (signal == SIGKILL || signal == SIGSTOP || !(child->request->default_signals >> (signal - 1) & 1))
            continue;
        long result = CALL(rt_sigaction, signal, &by_default, 0, SIGSET_BYTES);
        if (result < 0)
            fail(child, STEP_SIGNALS, signal, result);
    }
}

/* Until here it has the parent's own table of descriptors (CLONE_FILES). The copy leaves out all above those that are still
   needed, so that of a server's thousands those are neither copied nor closed again (close_range(2), CLOSE_RANGE_UNSHARE).
   Before Linux 6.11, but for backports, such a copy calls full what is empty (CVE-2024-45025): there clone3(2) makes it. */
static void own_table(struct child *child)
{
    if (!(child->request->flags & COPIES_TABLE))
        return;
    const struct request *request = child->request;
    int32_t highest = request->cgroup > STDERR ? request->cgroup : STDERR;
    for (uint32_t i = 0; i < request->move_count; i++) {
        struct move move = request->moves[i];
        if (move.source > highest)
            highest = move.source;
    }
    long result = CALL(close_range, highest + 1, ~0u, CLOSE_RANGE_UNSHARE, 0);
    /* For want of memory or by a limit it is what clone3(2) would have failed with. */
    if (result < 0)
        fail(child, result == -ENOMEM || result == -EMFILE ? STEP_CLONE : STEP_CLOSE, 0, result);
}

static void cgroup(struct child *child)
{
    if (!child->joins_cgroup)
        return;
    /* "0" is the process that writes (cgroups(7)). */
    long file = CALL(openat, child->request->cgroup, "cgroup.procs", O_WRONLY, 0);
    if (file < 0)
        fail(child, STEP_CGROUP, 0, file);
    long written = CALL(write, file, "0", 1, 0);
    if (written < 0)
        fail(child, STEP_CGROUP, 0, written);
    CALL(close, file, 0, 0, 0);
}

/* As isatty(3). */
static int is_terminal(int descriptor)
{
    char settings[TERMIOS_BYTES];
    return CALL(ioctl, descriptor, TCGETS, settings, 0) == 0;
}

static void group(struct child *child)
{
    const struct request *request = child->request;
    long result;
    /* A session brings its group along; its leader can't change it any more (setpgid(2)). */
    if (request->flags & NEW_SESSION) {
        if ((result = CALL(setsid, 0, 0, 0, 0)) < 0)
            fail(child, STEP_SESSION, 0, result);
    } else if ((request->flags & NEW_GROUP) || ((request->flags & NEW_GROUP_UNLESS_TERMINAL) && !is_terminal(0))) {
        if ((result = CALL(setpgid, 0, 0, 0, 0)) < 0)
            fail(child, STEP_GROUP, 0, result);
    } else {
        return;
    }
    child->report->leads_group = 1;
}

static void descriptors(struct child *child)
{
    const struct request *request = child->request;
    long result;
    for (uint32_t i = 0; i < request->move_count; i++) {
        struct move move = request->moves[i];
        if (move.source < 0)
            result = CALL(close, move.target, 0, 0, 0), result = 0; /* not open is what is wanted */
        else if (move.source == move.target)
            result = CALL(fcntl, move.target, F_SETFD, 0, 0); /* dup3(2) refuses equal numbers; this takes close-on-exec away */
        else
            result = CALL(dup3, move.source, move.target, 0, 0);
        if (result < 0)
            fail(child, STEP_DESCRIPTOR, move.target, result);
    }

    /* Before the rest is closed, after the descriptors are in place. SIGTTOU, which would stop us, is blocked like all. */
    if (request->flags & CONTROLLING_TERMINAL) {
        if ((result = CALL(ioctl, request->terminal, TIOCSCTTY, 0, 0)) < 0)
            fail(child, STEP_TERMINAL, 0, result);
    } else if (request->flags & FOREGROUND) {
        int32_t self = (int32_t)CALL(getpid, 0, 0, 0, 0);
        if ((result = CALL(ioctl, 0, TIOCSPGRP, &self, 0)) < 0)
            fail(child, STEP_TERMINAL, 0, result);
    }

    for (uint32_t i = 0; i < request->closing_count; i++) {
        struct range range = request->closing[i];
        if ((result = CALL(close_range, range.first, range.last, 0, 0)) < 0)
            fail(child, STEP_CLOSE, 0, result);
    }
}

static void limits(struct child *child)
{
    const struct request *request = child->request;
    /* Before the user changes: raising a hard limit takes CAP_SYS_RESOURCE. */
    for (uint32_t i = 0; i < request->limit_count; i++) {
        const struct limit *limit = &request->limits[i];
        long result = CALL(prlimit64, 0, limit->resource, limit, 0); /* soft and hard stand first, as in struct rlimit64 */
        if (result < 0)
            fail(child, STEP_LIMIT, (int)limit->resource, result);
    }
    if (request->flags & SET_UMASK)
        CALL(umask, request->umask, 0, 0, 0); /* can't fail */
    if (request->directory) {
        long result = CALL(chdir, request->directory, 0, 0, 0);
        if (result < 0)
            fail(child, STEP_DIRECTORY, 0, result);
    }
}

static void credentials(struct child *child)
{
    const struct request *request = child->request;
    long result;
    /* The groups first and the user last: each step takes a privilege that the next one may give up. */
    if ((request->flags & SET_GROUPS) && (result = CALL(setgroups, request->group_count, request->groups, 0, 0)) < 0)
        fail(child, STEP_SETGROUPS, 0, result);
    if ((request->flags & SET_GROUP) && (result = CALL(setresgid, request->group, request->group, request->group, 0)) < 0)
        fail(child, STEP_SETGID, 0, result);
    if ((request->flags & SET_USER) && (result = CALL(setresuid, request->user, request->user, request->user, 0)) < 0)
        fail(child, STEP_SETUID, 0, result);
}

static void death_signal(struct child *child)
{
    const struct request *request = child->request;
    if (!request->death_signal)
        return;
    /* After the credentials, whose change clears it (prctl(2)). */
    long result = CALL(prctl, PR_SET_PDEATHSIG, request->death_signal, 0, 0);
    if (result < 0)
        fail(child, STEP_DEATH_SIGNAL, 0, result);
    /* It comes at a death from now on. Of one before, only the new parent tells; then nobody is there to be told. */
    if (CALL(getppid, 0, 0, 0, 0) != child->parent)
        fail(child, STEP_PARENT_GONE, 0, -ESRCH);
}

static _Noreturn void run(struct child *child)
{
    const struct request *request = child->request;
    uint64_t none = 0;
    long result;
    child->report->begun = 1;
    dispositions(child);
    own_table(child);
    cgroup(child);
    group(child);
    descriptors(child);
    limits(child);
    credentials(child);
    death_signal(child);
    if ((request->flags & NO_NEW_PRIVS) && (result = call6(NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0)) < 0)
        fail(child, STEP_NO_NEW_PRIVS, 0, result);
    /* Last: what was sent to the child's group meanwhile comes now, and does what it does by default. */
    if ((result = CALL(rt_sigprocmask, SIG_SETMASK, &none, 0, SIGSET_BYTES)) < 0)
        fail(child, STEP_MASK, 0, result);
    result = CALL(execve, request->path, request->argv, request->envp, 0);
    fail(child, STEP_EXEC, 0, result);
}

/* ---- The parent ---- */

/* clone3(2) returns twice, and in the child on an empty stack: no C function could return there, so the child is led from
   here into run(), which never returns. Its argument waits in a register, which the child inherits. */
static inline long clone_into_run(struct clone_args *args, struct child *child)
{
#if defined(__x86_64__)
    long result;
    register struct child *argument __asm__("r12") = child;
    register void (*entry)(struct child *) __asm__("r13") = (void (*)(struct child *))run;
    __asm__ volatile(
        "syscall\n\t"
        "testq %%rax, %%rax\n\t"
        "jnz 1f\n\t"
        "xorl %%ebp, %%ebp\n\t" /* the outermost frame */
        "movq %%r12, %%rdi\n\t"
        "callq *%%r13\n\t"
        "ud2\n"
        "1:"
        : "=a"(result)
        : "a"((long)NR_clone3), "D"(args), "S"(sizeof *args), "r"(argument), "r"(entry)
        : "rcx", "r11", "memory");
    return result;
#else
    register long x8 __asm__("x8") = NR_clone3;
    register long x0 __asm__("x0") = (long)args;
    register long x1 __asm__("x1") = sizeof *args;
    register struct child *argument __asm__("x19") = child;
    register void (*entry)(struct child *) __asm__("x20") = (void (*)(struct child *))run;
    __asm__ volatile(
        "svc #0\n\t"
        "cbnz x0, 1f\n\t"
        "mov x29, xzr\n\t" /* the outermost frame */
        "mov x0, x19\n\t"
        "blr x20\n\t"
        "brk #1\n"
        "1:"
        : "+r"(x0)
        : "r"(x8), "r"(x1), "r"(argument), "r"(entry)
        : "memory");
    return x0;
#endif
}

static long start(struct clone_args *args, struct child *child)
{
    child->report->begun = child->report->leads_group = 0;
    child->report->step = STEP_NONE;
    return clone_into_run(args, child);
}

/* It has exited, or is about to. Somebody else may have reaped it (ECHILD): it is gone all the same. */
static void reap(struct request *request, long pid)
{
    long waited;
    do
        waited = CALL(wait4, pid, 0, 0, 0);
    while (waited == -EINTR);
    CALL(close, request->pidfd, 0, 0, 0);
    request->pidfd = -1;
}

enum { STACK_BYTES = 4096, PAGE_BYTES = 4096 };

/* Returns the child's pid, once it has reached its exec, or a negated errno; then `step` says where, and there is no child.
   NULL asks for the version. */
__attribute__((visibility("default"))) long unixloop_spawn(struct request *request)
{
    if (!request)
        return VERSION;
    if (request->size != sizeof *request || request->version != VERSION) {
        request->step = STEP_VERSION;
        return -EPROTO;
    }

    /* The child calls a few functions of one frame each, and handles no signal. */
    char stack[STACK_BYTES] __attribute__((aligned(16)));
    struct report own, *report = &own;
    int changes_credentials = (request->flags & (SET_GROUPS | SET_GROUP | SET_USER)) != 0;
    request->pidfd = -1;
    request->step = STEP_NONE;

    if (changes_credentials) {
        /* A memory of its own can't tell us anything, but for this page. */
        long page = call6(NR_mmap, 0, PAGE_BYTES, PROT_READ_WRITE, MAP_SHARED_ANONYMOUS, -1, 0);
        if (page < 0 && page > -PAGE_BYTES) {
            request->step = STEP_MEMORY;
            return page;
        }
        report = (struct report *)page;
    }

    struct child child = { request, report, request->death_signal ? CALL(getpid, 0, 0, 0, 0) : 0, 0 };
    struct clone_args args = {
        .flags = CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND | (changes_credentials ? 0 : CLONE_VM) | (request->flags & COPIES_TABLE ? CLONE_FILES : 0)
            | (request->flags & INTO_CGROUP ? CLONE_INTO_CGROUP : 0),
        .pidfd = (uint64_t)(uintptr_t)&request->pidfd,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = STACK_BYTES,
        .cgroup = request->flags & INTO_CGROUP ? (uint64_t)(uint32_t)request->cgroup : 0,
    };

    /* All signals, also those that the C library hides from its own sigprocmask: we sit in clone3(2) for as long as the exec takes,
       and one that the kernel gave to this thread would wait there. But a SIGCHLD that nobody handles: where it is not blocked the
       kernel drops it, and wakes another thread for it otherwise; and this child may be dead before we run again. */
    struct kernel_sigaction on_child = { 0 };
    CALL(rt_sigaction, SIGCHLD, 0, &on_child, SIGSET_BYTES);
    uint64_t blocked = on_child.handler > SIG_IGN ? ~0ull : ~(1ull << (SIGCHLD - 1)), before;
    CALL(rt_sigprocmask, SIG_BLOCK, &blocked, &before, SIGSET_BYTES);
    long pid = start(&args, &child);
    if (pid > 0 && !report->begun && (args.flags & CLONE_INTO_CGROUP)) {
        /* Linux 6.18 kills all that is born into a control group whose cgroup.kill was ever used (measured): it seems to compare
           the kills of the parent's group with those of the child's. Moving there still works. */
        reap(request, pid);
        args.flags &= ~CLONE_INTO_CGROUP;
        args.cgroup = 0;
        child.joins_cgroup = 1;
        pid = start(&args, &child);
    }
    if (pid < 0) {
        request->step = STEP_CLONE;
        request->pidfd = -1;
    } else if (report->step != STEP_NONE) {
        reap(request, pid);
        request->step = report->step;
        request->detail = report->detail;
        pid = -report->errno_;
    }
    request->leads_group = report->leads_group;
    CALL(rt_sigprocmask, SIG_SETMASK, &before, 0, SIGSET_BYTES);

    if (changes_credentials)
        CALL(munmap, report, PAGE_BYTES, 0, 0);
    return pid;
}
