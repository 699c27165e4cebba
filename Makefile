# Pennypost. Each program's objects, in one list: the architecture on a page.
#
#   make                          with libc alone, into build/
#   make CC=musl-gcc STATIC=1     small static programs, the fastest to start
#   make test | sanitize | torture | fuzz | lint
#                                 (sanitize: the same suite under ASan, UBSan)
#   make install DESTDIR= PREFIX=/usr/local HOME_DIR=/var/lib/pennypost

ifeq ($(origin CC),default)
CC = cc
# What is installed starts fastest: musl, when nobody chose a compiler.
MUSL := $(if $(shell command -v musl-gcc),CC=musl-gcc STATIC=1 BUILD=build/musl)
endif
BUILD ?= build
PREFIX ?= /usr/local
HOME_DIR ?= /var/lib/pennypost
CFLAGS ?= -O2
WARNINGS = -Wall -Wextra -Wconversion -Wshadow -Werror
HARDENING ?= -fstack-protector-strong
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -Isrc/lib -MMD -MP $(WARNINGS) \
    -ffunction-sections -fdata-sections $(HARDENING) $(CFLAGS)
ALL_LDFLAGS = -Wl,--gc-sections $(LDFLAGS)
ifdef STATIC
# One segment less, no relocation: fewer pages to fault in at each start.
ALL_CFLAGS += -fno-pie
ALL_LDFLAGS += -static -no-pie -Wl,-z,noseparate-code
# Small variables beside each other, not between the large: fewer dirty pages.
ALL_LDFLAGS += -Wl,--sort-section=alignment
endif
ifdef SANITIZE
CFLAGS = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
    -fno-sanitize-recover=undefined
endif

PROGRAMS = smtpd mysmtpd deliver pop3d imapd auth listen queue-run \
    smtp-send sendmail mailclient import export

BASE = lib/log.o lib/str.o lib/confine.o lib/seccomp.o lib/calls.o \
    $(if $(SANITIZE),tests/sanitize.o)
COMMON = $(BASE) lib/program.o lib/config.o lib/peer.o
SERVER = $(COMMON) lib/conn.o lib/command.o lib/address.o lib/local.o
MESSAGE = lib/smtp.o lib/body.o lib/envelope.o lib/pool.o lib/file.o \
    lib/queue.o

# What is in a message.
MIME = lib/mime.o lib/header.o lib/words.o lib/parameters.o lib/decode.o \
    lib/addresses.o lib/date.o lib/charset.o lib/rare.o lib/utf8.o lib/html.o \
    lib/pool.o

# A user's folders, and the files beside their mail.
FOLDERS = lib/lock.o lib/root.o lib/names.o lib/keywords.o lib/subscriptions.o \
    lib/file.o lib/utf8.o

DOOR = lib/door.o lib/confine.o lib/seccomp.o lib/tls.o lib/login.o lib/sasl.o \
    lib/scram.o lib/base64.o lib/sha256.o lib/penalty.o

smtpd = smtpd/smtpd.o smtpd/handoff.o lib/broker.o \
    lib/nudge.o lib/trace.o $(DOOR) $(MESSAGE) $(SERVER)
mysmtpd = mysmtpd/mysmtpd.o mysmtpd/keeper.o mysmtpd/store.o mysmtpd/message.o \
    mysmtpd/reader.o mysmtpd/show.o lib/broker.o lib/smtp.o lib/body.o \
    lib/nudge.o lib/trace.o $(MIME) $(DOOR) $(SERVER)
deliver = deliver/deliver.o deliver/lmtp.o deliver/work.o \
    deliver/transaction.o deliver/resolve.o deliver/list.o deliver/message.o \
    deliver/maildir.o deliver/mbox.o deliver/forward.o deliver/pipe.o \
    deliver/box.o lib/places.o \
    lib/entry.o lib/job.o lib/nudge.o lib/srs.o lib/sha256.o \
    $(MESSAGE) $(SERVER)
pop3d = pop3d/pop3d.o pop3d/maildrop.o pop3d/message.o lib/uidl.o lib/file.o \
    $(DOOR) $(SERVER)
# imapd: a folder's messages, the folders, what is known of each message, the
# commands. It has the most to do by far.
IMAP_MAILBOX = name uids messages batch directory scan takeover mailbox place \
    change transfer
IMAP_FOLDERS = uidvalidity uses listing folders quota
IMAP_INDEX = load structure preview text subject ids items signature order \
    record window index
IMAP_COMMANDS = capability select store append arriving request section binary \
    fetch list pattern manage status criteria match results search sort \
    threads gather thread watch notify news idle
imapd = $(patsubst %,imapd/%.o,imapd input set session view $(IMAP_COMMANDS) \
    $(IMAP_INDEX) $(IMAP_FOLDERS) $(IMAP_MAILBOX)) \
    $(FOLDERS) $(MIME) $(DOOR) $(SERVER)
auth = auth/auth.o auth/passwd.o auth/hash.o auth/dialogue.o lib/scram.o \
    lib/base64.o lib/sha256.o lib/penalty.o lib/confine.o lib/conn.o \
    lib/address.o lib/program.o $(BASE)
listen = listen/listen.o $(BASE)
queue-run = queue-run/queue-run.o queue-run/scan.o queue-run/messages.o \
    queue-run/destinations.o queue-run/workers.o queue-run/finish.o \
    queue-run/report.o queue-run/status.o lib/entry.o lib/route.o \
    lib/nudge.o lib/trace.o lib/qp.o lib/places.o lib/srs.o lib/sha256.o \
    $(MESSAGE) $(SERVER)
smtp-send = smtp-send/smtp-send.o smtp-send/delivery.o \
    smtp-send/transaction.o smtp-send/session.o smtp-send/extensions.o \
    smtp-send/starttls.o smtp-send/policy.o smtp-send/auth.o \
    smtp-send/reply.o smtp-send/message.o smtp-send/convert.o smtp-send/mx.o \
    lib/dial.o lib/tls.o lib/qp.o lib/dns.o lib/wire.o lib/route.o lib/entry.o \
    lib/job.o lib/envelope.o lib/pool.o lib/base64.o $(SERVER)
sendmail = sendmail/sendmail.o sendmail/options.o sendmail/recipients.o \
    sendmail/input.o sendmail/header.o sendmail/text.o \
    sendmail/submit.o sendmail/tools.o sendmail/mailq.o \
    lib/entry.o lib/nudge.o lib/phrase.o lib/trace.o lib/qp.o \
    $(MESSAGE) $(SERVER)
# mailclient: what a person sees; what the servers say.
mailclient = $(patsubst %,mailclient/%.o,mailclient keeper terminal listing \
    letter save draft compose box pop3 teaching submit smtp remote) \
    lib/conn.o lib/dial.o lib/tls.o lib/base64.o lib/phrase.o lib/html.o \
    lib/qp.o lib/trace.o lib/file.o lib/program.o lib/address.o $(MIME) $(BASE)
# import: who reads each kind of source; who writes.
import = $(patsubst %,import/%.o,import stream maildir format courier mbox \
    from teaching arrival writer place present ledger uidlist uidls text) \
    lib/catalogue.o lib/uidl.o lib/pieces.o lib/fields.o lib/sha256.o \
    lib/local.o lib/address.o lib/program.o $(MIME) $(FOLDERS) $(BASE)
export = export/export.o export/folder.o export/mbox.o export/tar.o \
    lib/catalogue.o lib/uidl.o lib/pieces.o lib/fields.o lib/keywords.o \
    lib/names.o lib/utf8.o lib/file.o lib/address.o lib/local.o \
    lib/program.o $(BASE)
tls = tls/tls.o tls/algorithms.o tls/certificate.o tls/ticket.o \
    tls/agreed.o tls/outcome.o tls/relay.o \
    lib/confine.o lib/seccomp.o lib/address.o $(COMMON)

# tls is built where libssl-dev is, and by the ordinary compiler: musl's finds no
# library but its own. STATIC spares a third of the start, and half of the memory
# that each connection has for itself. What the linker would warn of is OpenSSL's,
# and not used: to look up hosts, and to load libraries.
TLS_CC = $(if $(filter musl-gcc,$(notdir $(CC))),cc,$(CC))
TLS_LINKS = $(shell echo 'int main(void) { return SSL_CTX_new(0) == 0; }' | \
    $(TLS_CC) -include openssl/ssl.h -x c - $(1) -o /dev/null 2>/dev/null && \
    echo yes)
OPENSSL = -lssl -lcrypto
OPENSSL_STATIC = $(OPENSSL) -Wl,--no-warnings
TLS := $(if $(call TLS_LINKS,$(OPENSSL)),tls)
TLS_STATIC := $(if $(STATIC),$(call TLS_LINKS,-static $(OPENSSL_STATIC)))
LIBS_tls = $(if $(TLS_STATIC),$(OPENSSL_STATIC),$(OPENSSL))
PROGRAMS += $(TLS)

# Where crypt(3) is: a library of its own beside glibc, libc itself in musl, and
# nowhere in Debian's musl, where auth is built by the ordinary compiler.
CRYPT := $(shell for l in -lcrypt ""; do \
    echo 'char *crypt(const char *, const char *); \
    int main(void) { return crypt("", "") == 0; }' | \
    $(CC) $(if $(STATIC),-static) -x c - $$l -o /dev/null 2>/dev/null && \
    echo "found $$l" && break; done)
LIBS_auth = $(filter-out found,$(CRYPT))

all: $(PROGRAMS:%=$(BUILD)/%)

define program
$(BUILD)/$(1): $(addprefix $(BUILD)/obj/,$($(1)))
	$$(CC) $$(ALL_CFLAGS) -o $$@ $$^ $$(ALL_LDFLAGS) $$(LIBS_$(1))
endef
$(foreach p,$(filter-out auth tls,$(PROGRAMS)),$(eval $(call program,$(p))))
ifneq ($(CRYPT),)
$(eval $(call program,auth))
else
$(BUILD)/auth: $(wildcard src/auth/*.c src/lib/*.[ch])
	$(MAKE) CC=cc BUILD=$(BUILD)/obj/cc $(BUILD)/obj/cc/auth
	cp $(BUILD)/obj/cc/auth $@
endif
ifeq ($(TLS_CC)$(TLS_STATIC),$(CC)$(STATIC))
$(eval $(call program,tls))
else
$(BUILD)/tls: $(wildcard src/tls/*.[ch] src/lib/*.[ch])
	$(MAKE) CC=$(TLS_CC) STATIC=$(TLS_STATIC) \
	    BUILD=$(BUILD)/obj/cc $(BUILD)/obj/cc/tls
	cp $(BUILD)/obj/cc/tls $@
endif

$(BUILD)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/obj/lib/program.o: ALL_CFLAGS += -DDEFAULT_HOME='"$(HOME_DIR)"'

$(BUILD)/obj/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

-include $(wildcard $(BUILD)/obj/*/*.d)

# Twice: what tls is linked with may come with the first.
test:
	scripts/test -n
	$(MAKE) all
	scripts/test

sanitize:
	scripts/test -n
	$(MAKE) SANITIZE=1 BUILD=build/sanitize all
	PROGRAMS=build/sanitize scripts/test

torture: all
	tests/torture/run

fuzz:
	tests/fuzz/run

lint:
	scripts/lint

libexec = $(PREFIX)/libexec/pennypost
FILLED = sed -e 's|@LIBEXEC@|$(libexec)|g' -e 's|@HOME@|$(HOME_DIR)|g'

install:
	$(MAKE) $(MUSL) install-files

install-files: all
	install -d $(DESTDIR)$(libexec) $(DESTDIR)$(PREFIX)/sbin \
	    $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1
	install $(PROGRAMS:%=$(BUILD)/%) $(DESTDIR)$(libexec)
	install -m 644 scripts/pennypost-check scripts/pennypost-queue \
	    scripts/pennypost-tls scripts/pennypost-import $(DESTDIR)$(libexec)
	for name in sbin/sendmail bin/mailq bin/newaliases; do \
	    ln -sf ../libexec/pennypost/sendmail \
	        $(DESTDIR)$(PREFIX)/$$name || exit; done
	ln -sf ../libexec/pennypost/mailclient $(DESTDIR)$(PREFIX)/bin/
	ln -sf ../man8/sendmail.8 \
	    $(DESTDIR)$(PREFIX)/share/man/man1/newaliases.1
	sed 's|/var/lib/pennypost|$(HOME_DIR)|' scripts/pennypost \
	    >$(DESTDIR)$(PREFIX)/sbin/pennypost
	chmod 755 $(DESTDIR)$(PREFIX)/sbin/pennypost
	for n in 1 5 7 8; do \
	    install -d $(DESTDIR)$(PREFIX)/share/man/man$$n && \
	    install -m 644 man/*.$$n $(DESTDIR)$(PREFIX)/share/man/man$$n || \
	    exit; done
	for f in xinetd.d/* systemd/* cron.d/* fail2ban/*/*; do \
	    install -d $(DESTDIR)$(PREFIX)/share/pennypost/$${f%/*} && \
	    $(FILLED) $$f >$(DESTDIR)$(PREFIX)/share/pennypost/$$f || \
	    exit; done

clean:
	rm -rf build

.PHONY: all test sanitize torture fuzz lint install install-files clean
