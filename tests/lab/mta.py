# SPDX-License-Identifier: Apache-2.0
"""Real mail servers around Postern, each in a folder of its own: Postfix, Exim, and unbound for them to ask DNS.

Root's, in mounts of its own: they look for /etc/resolv.conf and for users of their own, which stand in files of ours
that are mounted over the machine's.
"""
import os
import pwd
import re
import shutil
import subprocess
from pathlib import Path

from harness.fixtures import ROOT
from harness.network import address_add, bind_mount, listens
from harness.program import Program

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


# ---- Exim

EXIM_CONFIG = """exim_path = {program}
primary_hostname = mx.{domain}
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
pid_file_path = {folder}/pid
local_interfaces = <; {address}
daemon_smtp_ports = 25
tls_certificate = {certificate}
tls_privatekey = {key}
tls_advertise_hosts = *
chunking_advertise_hosts = *
pipelining_connect_advertise_hosts = :
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
accept_8bitmime = true
deliver_drop_privilege
never_users =
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = accept
log_selector = +smtp_confirmation +tls_cipher +tls_certificate_verified +pipelining +delivery_size +received_recipients
message_size_limit = 0
remote_max_parallel = 1
begin acl
acl_rcpt:
  deny domains = {domain}
       !local_parts = ^u[0-9]+\\$ : jürgen : dane
       message = 5.1.1 no such user
  accept domains = {domain} : @[]
  accept hosts = {address}
  deny message = 5.7.1 relaying denied
begin routers
here:
  driver = accept
  domains = {domain}
  transport = maildir
elsewhere:
  driver = dnslookup
  self = send
  ignore_target_hosts =
  transport = ${{if eq{{$sender_address_local_part}}{{dane}}{{dane}}{{smtp}}}}
  dnssec_request_domains = *
begin transports
maildir:
  driver = appendfile
  directory = {folder}/mail
  maildir_format
  envelope_to_add
  user = {user}
smtp:
  driver = smtp
  dnssec_request_domains = *
dane:
  driver = smtp
  dnssec_request_domains = *
  hosts_require_dane = *
begin retry
* * F,1h,1s
"""


def exim_missing():
    """Why there is no Exim here; '' when there is one."""
    if missing():
        return missing()
    if not EXIM.exists():
        return "there is no build/exim: script/test fetches it, where apt-get can"
    lacking = re.findall(r"(\S+) => not found", subprocess.run(["ldd", str(EXIM)], stdout=subprocess.PIPE, text=True,
                                                               check=False).stdout)
    return f"Exim lacks {', '.join(lacking)}" if lacking else ""


def accounts_add(folder):
    """Exim wants a user of its own; he stands in copies of passwd and group that are mounted over these."""
    for name, line in (("passwd", f"{EXIM_USER}:x:{EXIM_ID}:{EXIM_ID}::/nonexistent:/bin/false"),
                       ("group", f"{EXIM_USER}:x:{EXIM_ID}:")):
        text = Path("/etc", name).read_text(encoding="utf-8")
        if f"{EXIM_USER}:" not in text:
            (folder / name).write_text(f"{text}{line}\n", encoding="utf-8")
            bind_mount(folder / name, f"/etc/{name}")


class Exim(Program):
    """Takes mail for a domain into Maildirs, and sends on what comes from its own address."""

    def __init__(self, folder, domain, address, pair):
        super().__init__(folder)
        self.domain, self.address = domain, address
        address_add(address)
        accounts_add(self.folder)
        # A key that only root may read is not its.
        self.pair = [self.folder / path.name for path in pair]
        for source, path in zip(pair, self.pair):
            shutil.copy(source, path)
        for name in ("spool", "mail"):
            (self.folder / name).mkdir()
        self.config = self.folder / "exim.conf"
        self.config.write_text(EXIM_CONFIG.format(
            program=EXIM, folder=folder, domain=domain, address=address, certificate=self.pair[0], key=self.pair[1],
            user=EXIM_USER), encoding="utf-8")
        for path in (self.folder, *self.pair, self.folder / "spool", self.folder / "mail"):
            shutil.chown(path, EXIM_USER, EXIM_USER)
        self.log_path = self.folder / "mainlog"

    def command(self):
        return [str(EXIM), "-C", str(self.config), "-bdf", "-q1s"]

    def is_ready(self):
        return "daemon started" in self.log()

    def received(self, user):
        """The messages for a user, as bytes with the line ends of this machine."""
        mark = f"Envelope-to: {user}@{self.domain}\n".encode()
        raws = [path.read_bytes() for path in sorted((self.folder / "mail" / "new").glob("*"))]
        return [raw for raw in raws if raw.startswith(mark)]


# ---- smtp-sink

class Sink(Program):
    """Postfix's smtp-sink: takes everything in the clear, and puts each message into a file."""

    def __init__(self, folder, address):
        super().__init__(folder)
        self.address, self.mail = address, self.folder / "mail"
        address_add(address)
        self.mail.mkdir()
        shutil.chown(self.mail, MAIL_USER)

    def command(self):
        return ["/usr/sbin/smtp-sink", "-u", MAIL_USER, "-d", f"{self.mail}/m.", f"{self.address}:25", "1000"]

    def is_ready(self):
        return listens(self.address, 25)

    def received(self):
        """The messages, behind what smtp-sink puts before each: X-Client-Addr, X-Mail-Args, X-Rcpt-Args."""
        return [path.read_bytes() for path in sorted(self.mail.glob("m.*"))]
