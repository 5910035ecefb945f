/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys role: holds every private key, signs, decrypts premaster secrets,
 * and makes the keys that seal session tickets.
 *
 * The parent gives keys with key_given and gets `done`, whose text is the key's
 * identity in hexadecimal (tls_certificate_key_id compares) or, with a fault,
 * the reason in words. A key whose number is known already may be given again
 * with each generation. It also asks for working keys (working_key_wanted), which
 * are made here and written into the file that came along: so private keys are
 * never anywhere else before they are in force. Fronts ask key_sign,
 * key_premaster and ticket_keys_wanted; mailq asks key_sign, for working keys.
 *
 * Elliptic-curve signatures are made in the loop itself (a hand-over would cost
 * as much) as long as few wait for it; RSA goes to helper threads.
 *
 * Sandbox: either before keys_new, then with what starting a thread needs (clone,
 * clone3 or its refusal, set_robust_list, rseq, mprotect, rt_sigprocmask), or
 * after it for all threads (SCMP_FLTATR_CTL_TSYNC). From then on the role needs:
 * read, write, close, recvfrom, recvmsg, sendmsg, epoll_wait, epoll_pwait,
 * epoll_ctl, poll, ppoll, futex, getrandom, getpid, gettid, tgkill, rt_sigaction,
 * rt_sigprocmask, rt_sigreturn, brk, mmap, munmap, mremap, mprotect, madvise,
 * clock_gettime, clock_nanosleep, gettimeofday, dup3, fcntl, sched_yield,
 * restart_syscall, fsync, exit, exit_group. No file is opened, no socket made, no
 * process started.
 */
#ifndef POSTERN_TLS_KEYS_H
#define POSTERN_TLS_KEYS_H

#include "ipc/server.h"
#include "tls/key_ring.h"

struct keys;

enum { KEYS_THREADS_MAX = 16 };

/*
 * Makes the role's state (role_server's role_data) with at most KEYS_THREADS_MAX
 * helpers; 0: the loop does all.
 */
struct keys *keys_new(unsigned threads);

/* Ends the helpers, destroys the keys, frees, and sets to NULL. After role_server_run. */
void keys_free(struct keys **keys);

extern const struct role_server_ops keys_ops;

#endif
