#!/usr/bin/env bats
# Nothing needs root, nor a name: mail comes, is submitted, fetched and relayed,
# over TLS, by a user who is in no list of users, who can gain nothing, and to
# whom all but the homes is read-only.

load helper

setup_file() {
	"$ROOT/scripts/need" openssl=openssl unshare=util-linux ip=iproute2 \
		/usr/bin/python3=python3
}

setup() {
	home_make
	exec 7>&- # who is nudged runs
	rm "$PENNYPOST_HOME/spool/nudge"
	mkdir programs
	find "$PROGRAMS" -maxdepth 1 -type f -perm -1 -exec cp {} programs \;
	printf '%s\n' 'relay_from 192.0.2.1' 'route far.test 127.0.0.1:2526' \
		>>"$PENNYPOST_HOME/pennypost.conf"
	cp -R "$PENNYPOST_HOME" far
	sed -i s/mx.example.test/mx.far.test/ far/pennypost.conf
	echo far.test >far/users/domains
	mv far/spool/mail/example.test far/spool/mail/far.test
	export PENNYPOST_LOG=stderr
}

# The script on stdin, in Python, in a network of its own; by nobody, for root.
unprivileged() {
	local as=() dir=$BATS_TEST_TMPDIR
	cat - >inside.py
	if [ "$(id -u)" = 0 ]; then
		as=(setpriv --reuid nobody --regid nogroup --clear-groups)
		chmod a+x "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/test "$dir"
		chown -R nobody:nogroup "$dir"
	fi
	"${as[@]}" unshare -Urnmpf --mount-proc true ||
		skip "no namespaces here"
	cat >inside <<'SH'
set -e
ip link set lo up
mount --bind "$1" "$1"
# What may not be changed has nothing that we could write.
cut -d' ' -f2 /proc/self/mounts | while read -r point; do
	[ "$point" = "$1" ] || [ "$point" = /proc ] ||
		mount -o remount,bind,ro "$point" || :
done 2>/dev/null
cd "$1"
exec unshare -U --map-user=12345 --map-group=12345 \
	setpriv --no-new-privs env -i PATH=/usr/bin:/bin PENNYPOST_LOG=stderr \
	PENNYPOST_HOME="$1/home" /usr/bin/python3 inside.py
SH
	run "${as[@]}" timeout 300 setpriv --no-new-privs \
		unshare -Urnmpf --mount-proc --kill-child bash inside "$dir"
	[[ $status = 0 && $output == *"all is well"* ]] || {
		echo "$output"
		return 1
	}
}

@test "send, submit, fetch and relay: no user, no rights, nothing to write on" {
	[ -e "$PROGRAMS/tls" ] || skip "tls is not built"
	PENNYPOST_PROGRAMS=$PROGRAMS "$ROOT/scripts/pennypost" tls self-signed \
		mx.example.test >/dev/null
	unprivileged <<'PY'
import glob, imaplib, os, poplib, pwd, smtplib, ssl, subprocess, time

assert os.getuid() == 12345 and "HOME" not in os.environ
try:
    pwd.getpwuid(12345)
    assert False, "it has a name"
except KeyError:
    pass
for place in "/tmp", "/var/tmp", "/dev/shm", ".":
    assert os.access(place, os.W_OK) == (place == "."), place
status = open("/proc/self/status").read()
assert "NoNewPrivs:\t1" in status and "CapEff:\t0000000000000000" in status

here = os.getcwd()


def listen(port, home, *program):
    subprocess.Popen(["programs/listen", "127.0.0.1:%d" % port,
                      "programs/" + program[0], "-C", here + "/" + home,
                      *program[1:]])


listen(2525, "home", "smtpd")
listen(2465, "home", "smtpd", "-s", "-T")
listen(2995, "home", "pop3d", "-T")
listen(2993, "home", "imapd", "-T")
listen(2526, "far", "smtpd")


def when(what):
    for _ in range(300):
        got = what()
        if got:
            return got
        time.sleep(0.1)
    raise AssertionError("never: %s" % what)


def there(port):
    try:
        return smtplib.socket.create_connection(("127.0.0.1", port), 5)
    except OSError:
        return None


for port in 2525, 2465, 2995, 2993, 2526:
    when(lambda: there(port)).close()

text = "Subject: %s\r\n\r\ntext\r\n"
unchecked = ssl._create_unverified_context()

# From anywhere, and over TLS.
with smtplib.SMTP("127.0.0.1", 2525) as s:
    s.starttls(context=unchecked)
    s.sendmail("x@far.test", ["alice@example.test"], text % "sent")

# With a password: to somebody here, and elsewhere.
with smtplib.SMTP_SSL("127.0.0.1", 2465, context=unchecked) as s:
    s.login("alice", "secret")
    s.sendmail("alice@example.test", ["bob@example.test", "carol@far.test"],
               text % "submitted")
with smtplib.SMTP_SSL("127.0.0.1", 2465, context=unchecked) as s:
    try:
        s.login("alice", "wrong")
        assert False, "no password is needed"
    except smtplib.SMTPAuthenticationError:
        pass

# By the command.
subprocess.run(["programs/sendmail", "-f", "alice@example.test",
                "dave@far.test", "carol@far.test"],
               input=b"Subject: by command\n\ntext\n", check=True)

far = here + "/far/spool/mail/far.test/carol/new/*"
when(lambda: len(glob.glob(far)) == 2)
got = "".join(open(name).read() for name in glob.glob(far))
assert "Subject: submitted" in got and "Subject: by command" in got, got
assert " with ESMTPSA " in got.replace("\n\t", " "), got
# Of dave, who is not there, his sender is told.
box = poplib.POP3_SSL("127.0.0.1", 2995, context=unchecked)
box.user("alice")
box.pass_("secret")


def subjects():
    return sorted(line for n in range(box.stat()[0])
                  for line in box.top(n + 1, 0)[1]
                  if line.startswith(b"Subject:"))


when(lambda: glob.glob(here + "/home/spool/mail/example.test/bob/new/*"))
assert b"Subject: sent" in subjects(), subjects()
for n in range(box.stat()[0]):
    box.dele(n + 1)
assert box.quit().startswith(b"+OK")
# Bob keeps his.
box = imaplib.IMAP4_SSL("127.0.0.1", 2993, ssl_context=unchecked)
box.login("bob", "secret")
assert box.select() == ("OK", [b"1"])
assert b"Subject: submitted" in box.fetch("1", "(BODY[])")[1][0][1]
assert box.copy("1", "Archive")[0] == "OK"
assert box.store("1", "+FLAGS", r"(\Deleted)")[0] == "OK"
assert box.expunge() == ("OK", [b"1"])
assert box.append("Sent", None, None, b"Subject: x\r\n\r\n")[0] == "OK"
assert box.select("Archive") == ("OK", [b"1"])
box.logout()
when(lambda: not os.listdir("home/spool/queue"))
log = subprocess.run(["programs/queue-run", "-l"], capture_output=True)
assert log.returncode in (0, 64), log
print("all is well")
PY
	[[ $output != *refused=* ]] # none of it was held up
	[[ $output != *"not confined"* ]]
}
