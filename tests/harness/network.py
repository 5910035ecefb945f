# SPDX-License-Identifier: Apache-2.0
"""A network of our own for this process and its children, and free ports where there is none."""
import ctypes
import fcntl
import os
import socket
import struct
import subprocess

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
LIBC = ctypes.CDLL(None, use_errno=True)


def _called(result):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def network_enter():
    """Moves this process into a fresh network with only loopback in it.

    An ordinary user becomes nobody else by it: he keeps his user id, and may
    bind the standard ports there. Raises OSError where the machine does not let
    us. Call it before the first thread.
    """
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        _called(LIBC.unshare(CLONE_NEWNET))
    else:
        _called(LIBC.unshare(CLONE_NEWUSER | CLONE_NEWNET))
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    loopback_up()
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", "w", encoding="ascii") as file:
        file.write("0")


def mounts_enter():
    """Moves this process (root's) into mounts of its own; raises OSError where it may not."""
    _called(LIBC.unshare(CLONE_NEWNS))
    _called(LIBC.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))


def tmpfs_mount(path, size_bytes):
    _called(LIBC.mount(b"tmpfs", os.fsencode(path), b"tmpfs", 0, f"size={size_bytes},mode=755".encode()))


def bind_mount(source, path):
    """Lets a file stand in the place of another, which may be the target of links."""
    _called(LIBC.mount(os.fsencode(source), os.fsencode(os.path.realpath(path)), None, MS_BIND, None))


def unmount(path):
    _called(LIBC.umount(os.fsencode(path)))


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def address_add(address):
    """Gives this network, which has only loopback, another address."""
    subprocess.run(["ip", "address", "replace", f"{address}/32", "dev", "lo"], check=True)


def listens(address, port):
    """Whether somebody takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


def free_ports(count):
    """Ports of 127.0.0.1 that nobody listens on now."""
    held = []
    for _ in range(count):
        one = socket.socket()
        one.bind(("127.0.0.1", 0))
        held.append(one)
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports
