"""Whom the sessions of imap-fight talk to: imapd, and Debian's Dovecot."""

import os
import subprocess
import time

from session import Session
from truth import text

PROGRAMS = os.path.abspath(os.environ.get("PROGRAMS", os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "build")))
HASH = ("$6$rounds=1000$pennypost$sUI3OA/evH3uKFWXeltAPlrnIycKO.H8qGUxQkKIIjH"
        "LHbfsLhozfwQLNIrIk5UyO6NWNNE2yeSKbNsh0Y8090") # "secret"


def maildir_make(path):
    for name in "tmp", "new", "cur":
        os.makedirs(os.path.join(path, name), exist_ok=True)


class Pennypost:
    patience = 2 # s for changes by others to be seen
    careful = True # a flag that another program has changed is not undone

    def __init__(self, home, log):
        self.home, self.log = home, log
        self.maildir = home + "/spool/mail/example.test/alice"
        for name in "users", "spool/queue", "spool/tmp":
            os.makedirs(home + "/" + name)
        maildir_make(self.maildir)
        os.mkfifo(home + "/spool/nudge", 0o600)
        self.nudge = os.open(home + "/spool/nudge", os.O_RDWR)
        for name, lines in [
                ("pennypost.conf", "host mx.example.test\n"
                 "resolver 127.0.0.1:1\n"),
                ("users/domains", "example.test\n"),
                ("users/passwd", "alice@example.test:%s:\n" % HASH),
                ("users/aliases", "")]:
            with open(home + "/" + name, "w") as f:
                f.write(lines)
        self.env = {"PATH": os.environ["PATH"], "PENNYPOST_HOME": home}

    def session(self, world, name):
        s = Session([PROGRAMS + "/imapd"], world, name, log=self.log,
                    env=self.env)
        s.ok("LOGIN alice secret")
        return s

    def deliver(self, number):
        """What the file then holds, with CRLF."""
        was = set(os.listdir(self.maildir + "/new"))
        subprocess.run([PROGRAMS + "/deliver", "-f", "a@far.test",
                        "alice@example.test"], env=self.env, check=True,
                       input=text(number).replace(b"\r\n", b"\n"),
                       stderr=self.log)
        return was


class Dovecot:
    patience = 6 # it trusts a directory's mtime for seconds
    careful = False

    def __init__(self, home, log):
        self.home, self.log = home, log
        self.maildir = home + "/Maildir"
        maildir_make(self.maildir)
        os.chmod(home, 0o755)
        with open(home + "/dovecot.conf", "w") as f:
            f.write("""protocols = imap
mail_location = maildir:%s/Maildir
base_dir = %s/run
state_dir = %s/state
ssl = no
first_valid_uid = 1
mailbox_idle_check_interval = 1s
namespace inbox {
  inbox = yes
  separator = .
}
""" % (home, home, home))
        self.env = {"PATH": os.environ["PATH"], "HOME": home, "USER": "nobody"}

    def session(self, world, name):
        return Session(["/usr/lib/dovecot/imap", "-c",
                        self.home + "/dovecot.conf"], world, name,
                       preauth=True, log=self.log, env=self.env)

    def deliver(self, number):
        foreign_write(self.maildir, "new", number, "")


def foreign_write(folder, directory, number, info):
    name = "%d.M%dP%d.foreign" % (time.time(), number, os.getpid())
    with open("%s/tmp/%s" % (folder, name), "wb") as f:
        f.write(text(number).replace(b"\r\n", b"\n"))
    os.rename("%s/tmp/%s" % (folder, name),
              "%s/%s/%s%s" % (folder, directory, name, info))
