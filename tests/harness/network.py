# SPDX-License-Identifier: Apache-2.0
"""A network of our own: the loopback interface of a namespace, and free ports where there is none."""
import fcntl
import os
import socket
import struct
import subprocess
import sys

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1


def unshare_command():
    """The start of a command that runs in its own network, or [] where the machine does not let us."""
    user = [] if os.getuid() == 0 else ["--map-root-user"]
    command = ["unshare", *user, "--net", "--"]
    done = subprocess.run([*command, "true"], stderr=subprocess.DEVNULL, check=False)
    return command if done.returncode == 0 else []


def loopback_is_alone():
    """True in a fresh network namespace: there is no interface but lo."""
    return [name for _, name in socket.if_nameindex()] == ["lo"]


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


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


if __name__ == "__main__":
    loopback_up()
    os.execvp(sys.argv[1], sys.argv[1:])
