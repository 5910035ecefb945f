# SPDX-License-Identifier: Apache-2.0
"""Real mail servers around Postern, each in a folder of its own: Postfix, Exim, and unbound for them to ask DNS.

Root's, in mounts of its own: they look for /etc/resolv.conf and for users of their own, which stand in files of ours
that are mounted over the machine's.
"""
import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from harness.fixtures import ROOT
from harness.network import address_add, bind_mount

SECONDS = 30
RESOLVER = "127.0.0.1"
EXIM_FOLDER = ROOT / "build" / "exim"
EXIM = EXIM_FOLDER / "usr" / "sbin" / "exim4"
EXIM_USER, EXIM_ID = "Debian-exim", 64825
MAIL_USER = "nobody"


def missing():
    """Why there can be no such servers here; '' when there can."""
    programs = [name for name in ("unbound", "postfix") if shutil.which(name, path="/usr/sbin:/usr/bin") is None]
    if programs:
        return f"not installed: {', '.join(programs)}"
    return "" if os.getuid() == 0 else "run as root"


class Program:
    """A daemon in the foreground; subclasses make its files and know its command and its log."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o755)
        self.log_path = self.folder / "log"
        self.process = None

    def __enter__(self):
        with (self.folder / "output").open("wb") as output:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=subprocess.STDOUT, cwd=self.folder, start_new_session=True)
        self.ready_wait()
        return self

    def ready_wait(self):
        give_up = time.monotonic() + SECONDS
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > give_up:
                self.__exit__()
                raise RuntimeError(f"{self.command()[0]} did not start:\n{self.said()}{self.log()}")
            time.sleep(0.05)

    def said(self):
        return (self.folder / "output").read_text(errors="replace")

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_wait(self, pattern, seconds=SECONDS):
        """Waits for a line of its log; fails with the log when it does not come."""
        give_up = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.log(), re.M)
            if found:
                return found
            assert time.monotonic() < give_up, f"no line {pattern!r} in:\n{self.log()[-4000:]}"
            time.sleep(0.05)

    def leader(self):
        """The process that ends the others."""
        return self.process.pid

    def __exit__(self, *_):
        if self.process is None:
            return
        if self.process.poll() is None:
            os.kill(self.leader(), signal.SIGTERM)
        try:
            self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None


# ---- DNS

UNBOUND = """server:
    interface: {address}
    access-control: 127.0.0.0/8 allow
    do-daemonize: no
    username: ""
    chroot: ""
    directory: "{folder}"
    pidfile: "{folder}/pid"
    logfile: "{folder}/log"
    use-syslog: no
    num-threads: 1
    trust-anchor-file: "{anchor}"
    do-not-query-localhost: no
    local-zone: "example." nodefault
    local-zone: "test." nodefault
remote-control:
    control-enable: no
{stubs}"""
STUB = """stub-zone:
    name: "{zone}"
    stub-addr: {server}
"""


class Unbound(Program):
    """A validating resolver in front of the zones, for whoever reads /etc/resolv.conf."""

    def __init__(self, folder, dns):
        super().__init__(folder)
        self.config = self.folder / "unbound.conf"
        stubs = "".join(STUB.format(zone=f"{zone}." if zone else ".", server=dns.server) for zone in ["", *dns.zones])
        self.config.write_text(UNBOUND.format(address=RESOLVER, folder=folder, anchor=dns.anchor_path, stubs=stubs))
        (self.folder / "resolv.conf").write_text(f"nameserver {RESOLVER}\noptions edns0 trust-ad\n")
        bind_mount(self.folder / "resolv.conf", "/etc/resolv.conf")

    def command(self):
        return ["/usr/sbin/unbound", "-d", "-p", "-c", str(self.config)]

    def is_ready(self):
        return "start of service" in self.log()


# ---- Postfix

POSTFIX_MASTER = """{address}:25 inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
clear unix - - n - - smtp -o smtp_tls_security_level=none
encrypt unix - - n - - smtp -o smtp_tls_security_level=encrypt
dane unix - - n - - smtp -o smtp_tls_security_level=dane-only -o smtp_dns_support_level=dnssec
old unix - - n - - smtp -o smtp_tls_security_level=encrypt -o smtp_tls_mandatory_protocols=TLSv1.1 -o
 tls_medium_cipherlist=ALL:@SECLEVEL=0
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
POSTFIX_MAIN = """compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = {hostname}
mydestination =
alias_maps =
local_recipient_maps =
inet_interfaces = {address}
inet_protocols = ipv4
mynetworks = {address}/32
message_size_limit = 0
virtual_mailbox_limit = 0
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/etc/mailboxes
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtp_tls_security_level = may
smtp_tls_loglevel = 1
smtpd_tls_loglevel = 1
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_discard_ehlo_keywords =
sender_dependent_default_transport_maps = inline:{{ {transports} }}
"""
TRANSPORTS = ("clear", "encrypt", "dane", "old")


class Postfix(Program):
    """Takes mail for a domain into Maildirs, u1 to u299 and jürgen; what TRANSPORT@DOMAIN sends goes out by that transport."""

    def __init__(self, folder, domain, address, pair):
        super().__init__(folder)
        self.domain, self.address = domain, address
        address_add(address)
        self.etc, self.mail = self.folder / "etc", self.folder / "mail"
        for name in ("etc", "queue", "data", "mail"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "data", "postfix", "postfix")
        shutil.chown(self.mail, MAIL_USER)
        shutil.copy("/etc/postfix/postfix-files", self.etc)
        users = [*(f"u{number}" for number in range(1, 300)), "jürgen"]
        (self.etc / "mailboxes").write_text("".join(f"{user}@{domain} {user}/\n" for user in users), encoding="utf-8")
        mail_user = pwd.getpwnam(MAIL_USER)
        transports = ", ".join(f"{{ {name}@{domain} = {name}: }}" for name in TRANSPORTS)
        (self.etc / "master.cf").write_text(POSTFIX_MASTER.format(address=address))
        (self.etc / "main.cf").write_text(POSTFIX_MAIN.format(
            folder=folder, hostname=f"mx.{domain}", domain=domain, address=address, certificate=pair[0], key=pair[1],
            transports=transports, uid=mail_user.pw_uid, gid=mail_user.pw_gid))

    def command(self):
        return ["/usr/sbin/postfix", "-c", str(self.etc), "start-fg"]

    def is_ready(self):
        return "daemon started" in self.log()

    def leader(self):
        # What was started is a script that waits for it.
        return int((self.folder / "queue" / "pid" / "master.pid").read_text())

    def received(self, user):
        """The messages in a mailbox, as bytes with the line ends of this machine."""
        return [path.read_bytes() for path in sorted((self.mail / user / "new").glob("*"))]
