# SPDX-License-Identifier: Apache-2.0
"""Postern and the servers it is measured against, each in a folder of its own."""

import os
import shutil
import subprocess

import corpus
from harness import DOMAIN, PASSWORD, Server, fail, made_certificate

USERS = 20
# doveadm's time to import an mbox grows with the square of the messages.
PART_MESSAGES = 5000


def user(number=0):
    return f"u{number}@{DOMAIN}"


class Postern(Server):
    """A home made by `postern init`, with limits raised where the work needs it."""

    name = "Postern"
    ports = {"smtp": 2525, "smtps": 2465, "imaps": 2993}
    LIMITS = {"MessageBytes": 2 << 30, "ConnectionsPerAddress": 100000}
    FRONTS = 0

    def __init__(self, options):
        super().__init__(options)
        self.binary = options.build / "postern"
        if not self.binary.exists():
            self.binary = options.build / "src" / "postern"
        self.home = self.folder / "home"
        if self.is_new:
            self.home_make()

    def run(self, *arguments, text=""):
        done = subprocess.run([self.binary, "--home", self.home, *arguments], input=text,
                              text=True, capture_output=True)
        if done.returncode > 1:
            fail(f"postern {' '.join(map(str, arguments))}: {done.stderr or done.stdout}")

    def home_make(self):
        self.run("init", "--hostname", "localhost", "--ports", "unprivileged")
        certificate, key = made_certificate(self.options)
        for old in (self.home / "sslcert").iterdir():
            old.unlink()
        shutil.copy(certificate, self.home / "sslcert" / "server.crt")
        shutil.copy(key, self.home / "sslcert" / "server.key")
        self.limits_write()
        self.run("domain", "add", DOMAIN)
        for number in range(USERS):
            self.run("user", "add", user(number), "--password-stdin", text=PASSWORD + "\n")

    def limits_write(self):
        path = self.home / "mailserver.cfg"
        text = path.read_text()
        rows = "".join(f'<variable name="{name}">{value}</variable>'
                       for name, value in self.LIMITS.items())
        end = text.rindex("</")
        if '<table name="Limits">' in text:
            fail("a new home has a Limits table: set the limits there")
        text = text[:end] + f'<table name="Limits">{rows}</table>\n' + text[end:]
        fronts = f'<table name="Server"><variable name="Fronts">{self.FRONTS}</variable>'
        path.write_text(text.replace('<table name="Server">', fronts, 1))

    def command(self):
        return [self.binary, "--home", self.home, "serve"]

    def mailbox_import(self, mbox):
        self.run("import", user(), mbox)

    def forget_fetched(self):
        """Nothing to forget: what FETCH reads was made when the message came."""


class PosternFronts(Postern):
    """With several processes that speak TLS."""

    name = "Postern 4 fronts"
    FRONTS = 4


DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
listen = 127.0.0.1
protocols = imap lmtp
import_environment = $import_environment LD_PRELOAD FLUSH_COUNTS
ssl = required
ssl_cert = <{certificate}
ssl_key = <{key}
mail_location = {location}
mail_uid = mail
mail_gid = mail
first_valid_uid = 8
mail_max_userip_connections = 10000
default_vsz_limit = 2G
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/mail/%n
}}
namespace inbox {{
  inbox = yes
}}
service imap-login {{
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {port}
  }}
{login}
}}
service imap {{
{imap}
}}
service auth {{
  client_limit = 10000
}}
service anvil {{
  client_limit = 10000
}}
service stats {{
  client_limit = 10000
}}
service config {{
  client_limit = 10000
}}
service lmtp {{
  unix_listener {folder}/lmtp {{
    mode = 0666
  }}
}}
"""


class Dovecot(Server):
    """Dovecot as it comes, with only its number of processes raised."""

    name = "Dovecot"
    ports = {"imaps": 10993}
    login = "  process_limit = 4000\n  client_limit = 1"
    imap = "  process_limit = 4000"
    location = "maildir:~/Maildir"

    def __init__(self, options):
        super().__init__(options)
        certificate, key = made_certificate(options)
        for name in ("run", "state", "mail"):
            (self.folder / name).mkdir(exist_ok=True)
        os.chown(self.folder / "mail", 8, 8)
        self.file = self.folder / "dovecot.conf"
        self.file.write_text(DOVECOT.format(
            folder=self.folder, certificate=certificate, key=key, password=PASSWORD,
            login=self.login, imap=self.imap, location=self.location,
            port=self.ports["imaps"]))

    def command(self):
        return ["dovecot", "-F", "-c", self.file]

    def mailbox_import(self, mbox):
        """Copies the mbox into INBOX, in parts; needs the running server."""
        for part in corpus.parts(mbox, PART_MESSAGES):
            source = f"mbox:{self.folder}/source:INBOX={part}:INDEX=MEMORY"
            done = subprocess.run(["doveadm", "-c", self.file, "import", "-u", user(),
                                   "-U", "root", source, "", "all"],
                                  capture_output=True, text=True)
            if done.returncode != 0:
                fail(f"doveadm import: {done.stderr}")

    def forget_fetched(self):
        """Removes the cache of headers, as for a mailbox that no client has read."""
        for path in (self.folder / "mail").rglob("dovecot.index.cache"):
            path.unlink()


class DovecotSdbox(Dovecot):
    name = "Dovecot sdbox"
    ports = {"imaps": 11993}
    location = "sdbox:~/sdbox"


class DovecotTuned(Dovecot):
    """Login and IMAP processes that serve many sessions each."""

    name = "Dovecot tuned"
    ports = {"imaps": 12993}
    login = "  service_count = 0\n  client_limit = 4000\n  process_min_avail = 2\n  process_limit = 2"
    imap = "  service_count = 0\n  client_limit = 500\n  process_limit = 100"


MASTER = """
127.0.0.1:10025 inet n - n - - smtpd
127.0.0.1:10465 inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
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
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log/postfix.log
maillog_file_prefixes = {folder}/log
import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME LD_PRELOAD FLUSH_COUNTS
myhostname = mail.{domain}
mydestination =
alias_maps =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = static:all
virtual_transport = lmtp:unix:{lmtp}
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_session_cache_database = btree:{folder}/data/smtpd_scache
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
"""


class Postfix(Server):
    """Postfix in a configuration folder of its own."""

    name = "Postfix"
    ports = {"smtp": 10025, "smtps": 10465}

    def __init__(self, options, name="Postfix", lmtp="/nonexistent"):
        self.name = name
        super().__init__(options)
        certificate, key = made_certificate(options)
        self.etc = self.folder / "etc"
        for name in ("etc", "queue", "data", "log"):
            (self.folder / name).mkdir(exist_ok=True)
        shutil.chown(self.folder / "data", "postfix", "postfix")
        shutil.copy("/etc/postfix/postfix-files", self.etc)
        (self.etc / "master.cf").write_text(MASTER)
        (self.etc / "main.cf").write_text(MAIN.format(
            folder=self.folder, domain=DOMAIN, lmtp=lmtp, certificate=certificate, key=key))

    def command(self):
        return ["postfix", "-c", self.etc, "start-fg"]


class PostfixToDovecot(Server):
    """Postfix that hands over to Dovecot's LMTP server: two trees counted as one server."""

    name = "Postfix->Dovecot"
    ports = {"smtp": 10025, "imaps": 10993}
    dovecot_class = Dovecot

    def __init__(self, options):
        super().__init__(options)
        self.dovecot = self.dovecot_class(options)
        self.postfix = Postfix(options, "Postfix before " + self.dovecot.name,
                               self.dovecot.folder / "lmtp")
        for part in (self.dovecot, self.postfix):
            part.flushes = self.flushes

    def start(self):
        self.dovecot.start()
        self.postfix.start()

    def stop(self):
        self.postfix.stop()
        self.dovecot.stop()

    def cpu_seconds(self):
        return self.postfix.cpu_seconds() + self.dovecot.cpu_seconds()


class PostfixToSdbox(PostfixToDovecot):
    name = "Postfix->sdbox"
    ports = {"smtp": 10025, "imaps": 11993}
    dovecot_class = DovecotSdbox


NGINX = """
daemon off;
worker_processes auto;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  ssl_certificate {certificate};
  ssl_certificate_key {key};
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_session_cache shared:tls:10m;
  server {{
    listen 127.0.0.1:10443 ssl;
    return 200 "ok";
  }}
}}
"""


class Nginx(Server):
    name = "nginx"
    ports = {"https": 10443}

    def __init__(self, options):
        super().__init__(options)
        certificate, key = made_certificate(options)
        self.file = self.folder / "nginx.conf"
        self.file.write_text(NGINX.format(folder=self.folder, certificate=certificate, key=key))

    def command(self):
        return ["nginx", "-c", self.file, "-p", self.folder]


class Floor(Server):
    """A bare epoll loop on OpenSSL, with its two tickets after a full TLS 1.3 handshake."""

    name = "floor"
    ports = {"imaps": 13993}
    tickets = 2
    GREETING = ("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN ID IDLE ENABLE LITERAL+ SASL-IR] "
                "localhost ready\r\n")

    def __init__(self, options):
        super().__init__(options)
        self.pair = made_certificate(options)

    def command(self):
        return [self.options.build / "bench" / "floor", str(self.ports["imaps"]), *self.pair,
                str(self.tickets), self.GREETING]


class FloorOneTicket(Floor):
    """With one, which is all that a client uses at a time."""

    name = "floor 1 ticket"
    ports = {"imaps": 14993}
    tickets = 1


SERVERS = {"floor": Floor, "floor-1-ticket": FloorOneTicket, "postern": Postern, "postern-fronts": PosternFronts, "dovecot": Dovecot, "dovecot-sdbox": DovecotSdbox,
           "dovecot-tuned": DovecotTuned, "postfix": Postfix,
           "postfix-dovecot": PostfixToDovecot, "postfix-sdbox": PostfixToSdbox, "nginx": Nginx}


def made(options):
    return [SERVERS[name](options) for name in options.servers]
