#!/usr/bin/env bats
# The manual: clean, whole, and true to the source.

load helper

setup() {
	home_make
	man=$ROOT/man
	src=$ROOT/src
}

# defined FILE NAME: the number of a #define, computed.
defined() {
	local value
	value=$(sed -n "s|^#define $2 \(.*\)|\1|p" "$src/$1" |
		sed 's|/\*.*||; s|"||g; s|\([0-9]\)u|\1|g')
	[ -n "$value" ] || { echo "no #define $2 in src/$1" >&2; return 1; }
	echo $((value))
}

# row PAGE LABEL: the number in the LIMITS of the page.
row() {
	sed -n "/^\.Sh LIMITS/,/^\.El/s|^\.It $2 Ta \([^ ]*\) .* Ta .*|\1|p" \
		"$man/$1"
}

# Each limit: where it is defined, what of it counts (n), the page, its row.
limits() {
	cat <<'LIMITS'
lib/smtp.h SMTP_LINE_MAX n smtpd.8 command line
lib/address.h ADDRESS_SIZE n-1 smtpd.8 address
lib/address.c LABEL_MAX n smtpd.8 label of a domain
lib/envelope.h ENVID_SIZE n-1 smtpd.8 ENVID
lib/envelope.h ORCPT_SIZE n-1 smtpd.8 ORCPT
lib/envelope.h RECIPIENTS_MAX n smtpd.8 recipients
smtpd/smtpd.c MESSAGES_MAX n smtpd.8 MAIL commands
lib/smtp.h SMTP_ERRORS_MAX n smtpd.8 errors
lib/conn.h CONN_BUFFER n smtpd.8 text line
lib/smtp.h HOPS_MAX n smtpd.8 Received lines
smtpd/smtpd.c AUTH_MAX n smtpd.8 answer in AUTH (line)
lib/login.h LOGIN_SIZE n-1 smtpd.8 user, password
smtpd/smtpd.c TALKER_MEMORY n smtpd.8 memory
lib/door.c REFUSED_MAX n smtpd.8 refused logins
lib/door.c LINGER n smtpd.8 rest of the output
smtpd/smtpd.c TIMEOUT n smtpd.8 a line, a reply
smtpd/smtpd.c SESSION n smtpd.8 session
lib/conn.c LINGER n smtpd.8 rest of the input
lib/conn.c LINGER_MAX n smtpd.8 its size
smtpd/handoff.c DELIVER_TIMEOUT n smtpd.8 reply of deliver
smtpd/handoff.c CHUNK n smtpd.8 text in memory
lib/local.c DOMAINS_MAX n smtpd.8 users/domains
lib/config.c FILE_MAX n smtpd.8 pennypost.conf
lib/smtp.h SMTP_LINE_MAX n deliver.8 command line
lib/address.h ADDRESS_SIZE n-1 deliver.8 address
lib/envelope.h RECIPIENTS_MAX n deliver.8 recipients
lib/smtp.h SMTP_ERRORS_MAX n deliver.8 errors
lib/conn.h CONN_BUFFER n deliver.8 text line
deliver/transaction.h TRACE_ROOM n deliver.8 what is on top
lib/smtp.h HOPS_MAX n deliver.8 Received lines
deliver/transaction.c LOOP_MAX n deliver.8 Delivered-To lines
deliver/lmtp.c TIMEOUT n deliver.8 line or reply
deliver/resolve.h TARGETS_MAX n deliver.8 targets
deliver/resolve.h NESTING_MAX n deliver.8 nesting of aliases
deliver/list.h LIST_MAX n deliver.8 aliases, included list
lib/local.h MAILBOX_SIZE n-1 deliver.8 mailbox
lib/file.h FILE_PATH_SIZE n-1 deliver.8 path of a message
lib/srs.h SRS_DAYS n deliver.8 return path
lib/srs.h SRS_HASH n deliver.8 its hash
lib/srs.c SECRETS_MAX n deliver.8 users/srs-secret
deliver/mbox.c LOCK_TRIES n deliver.8 lock of an mbox
deliver/mbox.c LOCK_STALE n deliver.8 age of its lock file
deliver/pipe.c PATIENCE n deliver.8 command
pop3d/pop3d.c LINE_MAX n pop3d.8 command line
lib/login.h LOGIN_SIZE n-1 pop3d.8 user, password
pop3d/pop3d.c ERRORS_MAX n pop3d.8 errors
pop3d/pop3d.c LOGIN_ERRORS n pop3d.8 wrong password
pop3d/pop3d.c TALKER_MEMORY n pop3d.8 memory of the talker
pop3d/pop3d.c SESSION_MEMORY n pop3d.8 memory of the session
lib/door.c REFUSED_MAX n pop3d.8 refused logins
lib/door.c LINGER n pop3d.8 rest of the output
pop3d/pop3d.c TIMEOUT n pop3d.8 a line, a reply
pop3d/pop3d.c SESSION n pop3d.8 session
lib/conn.c LINGER n pop3d.8 rest of the input
lib/uidl.h UIDL_SIZE n-1 pop3d.8 unique id
pop3d/maildrop.c TMP_AGE n pop3d.8 file in tmp
pop3d/maildrop.c UIDLS_MAX n pop3d.8 pennypost-uidl
import/place.h MESSAGE_MAX n import.8 message
import/place.c UNIQUE_MAX n import.8 name kept
import/stream.h KEYWORDS_ROOM n import.8 keywords of a message
lib/uidl.h UIDL_SIZE n-1 import.8 UIDL
import/uidls.c FILE_MAX n import.8 file of UIDLs
import/import.c MEMORY n import.8 memory
import/stream.c SAID_MAX n import.8 fault
import/mbox.c HEADER_MAX n import.8 header in an mbox
lib/pieces.h PIECE_SIZE n import.8 line in memory
import/from.c SENDER_WORDS n import.8 words before a date
lib/str.h STR_MAX n import.8 mymailbox
export/mbox.c HEADER_MAX n export.8 header
export/export.c SMALL_FILE n export.8 subscriptions
export/folder.c LOOKS n export.8 looks at a folder
export/folder.c OPENS n export.8 looks for a message
export/tar.c LONGEST n export.8 path in the stream
mysmtpd/mysmtpd.c LINE_MAX n mysmtpd.8 command line
lib/address.h ADDRESS_SIZE n-1 mysmtpd.8 address
lib/login.h LOGIN_SIZE n-1 mysmtpd.8 user, password
mysmtpd/mysmtpd.c MESSAGES_MAX n mysmtpd.8 messages
mysmtpd/mysmtpd.c ERRORS_MAX n mysmtpd.8 errors
mysmtpd/mysmtpd.c LOGIN_ERRORS n mysmtpd.8 wrong password
lib/door.c REFUSED_MAX n mysmtpd.8 refused logins
lib/conn.h CONN_BUFFER n mysmtpd.8 text line
mysmtpd/reader.h LISTED_MAX n mysmtpd.8 mails of a list
mysmtpd/reader.h LISTS_MAX n mysmtpd.8 lists remembered
mysmtpd/reader.h SHOWN_MAX n mysmtpd.8 mail shown
mysmtpd/reader.c HEADER_MAX n mysmtpd.8 header of a list
mysmtpd/show.c ENTRY_MAX n mysmtpd.8 sender in a list
mysmtpd/reader.c REPLY_MAX n mysmtpd.8 line of pop3d
mysmtpd/reader.c WINDOW n mysmtpd.8 questions ahead
mysmtpd/mysmtpd.c TALKER_MEMORY n mysmtpd.8 memory of the talker
mysmtpd/mysmtpd.c TIMEOUT n mysmtpd.8 a line, a reply
mysmtpd/mysmtpd.c SESSION n mysmtpd.8 session
mysmtpd/store.c DELIVER_TIMEOUT n mysmtpd.8 reply of deliver
mysmtpd/reader.c POP3_TIMEOUT n mysmtpd.8 reply of pop3d
mysmtpd/store.c CHUNK n mysmtpd.8 text in memory
lib/door.c LINGER n mysmtpd.8 rest of the output
lib/conn.c LINGER n mysmtpd.8 rest of the input
auth/auth.c INPUT_MAX n auth.8 user and password
auth/hash.c PASSWORD_MAX n-1 auth.8 new password
auth/passwd.c PASSWD_MAX n auth.8 users/passwd
auth/passwd.h PASSWD_LINE n-1 auth.8 line of it
auth/auth.c PATIENCE n auth.8 time
auth/auth.c MEMORY n auth.8 memory
auth/dialogue.c DIALOGUE_TIME n auth.8 dialogue of SCRAM
auth/dialogue.c REQUEST_MAX n auth.8 first packet
auth/auth.h SCRAM_ITERATIONS n auth.8 iterations of a new hash
lib/scram.h SCRAM_ITERATIONS_MAX n auth.8 iterations of any hash
lib/scram.h SCRAM_SIZE n-1 auth.8 message of SCRAM
lib/scram.h SCRAM_NONCE_SIZE n-1 auth.8 nonce of a client
lib/scram.h SCRAM_SALT_MAX n auth.8 salt
lib/scram.h SCRAM_BINDING_MAX n auth.8 channel binding
lib/penalty.c DELAY_MAX n pennypost-logins.5 delay of a source
lib/penalty.c DECAY n pennypost-logins.5 a failure is forgotten
lib/penalty.c FAILURES_MAX n pennypost-logins.5 failures remembered
lib/penalty.c ACCOUNT_FREE n pennypost-logins.5 free failures
lib/penalty.c ACCOUNT_DELAY n pennypost-logins.5 delay of an account
lib/penalty.c FRIEND_DAYS n pennypost-logins.5 friend
lib/penalty.c PATIENCE n pennypost-logins.5 turn
lib/penalty.c SETS n pennypost-logins.5 sets
lib/penalty.c WAYS n pennypost-logins.5 records
lib/penalty.c RECORD n pennypost-logins.5 record
sendmail/header.h HEADER_MAX n sendmail.8 header
sendmail/header.h LINE_LENGTH_MAX n sendmail.8 line
lib/envelope.h RECIPIENTS_MAX n sendmail.8 recipients
sendmail/sendmail.c ADDRESSES_MAX n sendmail.8 addresses
lib/address.h ADDRESS_SIZE n-1 sendmail.8 address
lib/envelope.h ENVID_SIZE n-1 sendmail.8 ENVID
lib/phrase.c ENCODED_MAX n sendmail.8 encoded word
lib/phrase.c ENCODED_LINE n sendmail.8 its line
lib/qp.h QP_LINE_MAX n sendmail.8 encoded line
sendmail/text.h TEXT_MEMORY n sendmail.8 text in memory
sendmail/input.h PIECE_MAX n sendmail.8 piece of a line
sendmail/submit.c CONNECT_TIMEOUT n sendmail.8 connecting
sendmail/submit.c REPLY_TIMEOUT n sendmail.8 a reply
sendmail/submit.c SESSION n sendmail.8 session
sendmail/submit.c REPLY_MAX n sendmail.8 reply line
sendmail/tools.c ALIASES_MAX n sendmail.8 users/aliases
smtp-send/session.c CONNECT_TIMEOUT n smtp-send.8 connecting
smtp-send/session.c GREETING_TIMEOUT n smtp-send.8 greeting
smtp-send/session.c HELLO_TIMEOUT n smtp-send.8 reply to EHLO, HELO
smtp-send/session.c AUTH_TIMEOUT n smtp-send.8 reply in AUTH
smtp-send/transaction.c MAIL_TIMEOUT n smtp-send.8 reply to MAIL, RSET
smtp-send/transaction.c RCPT_TIMEOUT n smtp-send.8 reply to RCPT
smtp-send/transaction.c DATA_TIMEOUT n smtp-send.8 reply to DATA
smtp-send/transaction.c BLOCK_TIMEOUT n smtp-send.8 block of the message
smtp-send/transaction.c END_TIMEOUT n smtp-send.8 reply to the message
smtp-send/session.c QUIT_TIMEOUT n smtp-send.8 reply to QUIT
smtp-send/session.c STARTTLS_TIMEOUT n smtp-send.8 reply to STARTTLS
smtp-send/starttls.h HANDSHAKE_TIMEOUT n smtp-send.8 handshake
smtp-send/starttls.c PLAIN_MAX n smtp-send.8 hosts without TLS
lib/tls.c STATUS_MAX n smtp-send.8 status of tls
lib/tls.c HELPER_TIMEOUT n smtp-send.8 wait for tls
smtp-send/smtp-send.c MEMORY n smtp-send.8 memory
smtp-send/smtp-send.c FILES n smtp-send.8 descriptors
smtp-send/smtp-send.c MESSAGE_TIME n smtp-send.8 message
smtp-send/smtp-send.c RATE_MIN n smtp-send.8 octets in a second
smtp-send/smtp-send.c CONNECTS_MAX n smtp-send.8 connections
smtp-send/transaction.h TRANSACTION_RECIPIENTS n smtp-send.8 recipients in a transaction
smtp-send/reply.h REPLY_LINE_MAX n smtp-send.8 line of a reply
smtp-send/reply.h REPLY_LINES_MAX n smtp-send.8 lines of a reply
smtp-send/reply.h REPLY_SIZE n-1 smtp-send.8 text of a reply
smtp-send/message.h MESSAGE_MEMORY n smtp-send.8 message in memory
smtp-send/convert.h CONVERT_NESTING_MAX n smtp-send.8 nested multiparts
smtp-send/convert.h CONVERT_PARTS_MAX n smtp-send.8 parts
smtp-send/convert.h CONVERT_BOUNDARY_MAX n smtp-send.8 boundary
smtp-send/convert.h CONVERT_FIELD_MAX n smtp-send.8 Content-Type field
smtp-send/convert.h CONVERT_LINE_MAX n smtp-send.8 converted line
lib/qp.h QP_LINE_MAX n smtp-send.8 line of quoted-printable
smtp-send/auth.h AUTH_WORD_SIZE n-1 smtp-send.8 user, password
smtp-send/mx.c LOOKUP_MS n smtp-send.8 names
smtp-send/mx.c HOSTS_MAX n smtp-send.8 mail exchangers
smtp-send/mx.c ADDRESSES_MAX n smtp-send.8 addresses
smtp-send/mx.c FAMILY_MAX n smtp-send.8 addresses of a host
lib/dns.c SERVERS_MAX n smtp-send.8 name servers
lib/dns.c RESOLV_CONF_MAX n smtp-send.8 /etc/resolv.conf
lib/dns.c ROUNDS n smtp-send.8 questions
lib/dns.c ATTEMPT_MS n smtp-send.8 answer of a name server
lib/dns.c CHAIN_MAX n smtp-send.8 answers of aliases
lib/wire.c ALIASES_MAX n smtp-send.8 aliases
lib/wire.c RECORDS_MAX n smtp-send.8 records
lib/wire.c UDP_SIZE n smtp-send.8 answer over UDP
lib/wire.h WIRE_NAME_MAX n smtp-send.8 domain name
lib/wire.c LABEL_MAX n smtp-send.8 label
queue-run/workers.h WORKERS_MAX n queue-run.8 programs
queue-run/workers.c DESTINATION_WORKERS n queue-run.8 for a destination
queue-run/workers.c LOCAL_WORKERS n queue-run.8 for the mailboxes here
queue-run/workers.c MORE n queue-run.8 waiting for each
queue-run/workers.c DEPTH n queue-run.8 ids at a program
queue-run/workers.c TURN n queue-run.8 turn
queue-run/workers.c LIFE n queue-run.8 life of a program
queue-run/workers.c IDLE n queue-run.8 idle program
queue-run/workers.c FAREWELL n queue-run.8 time to end
queue-run/workers.c PATIENCE n queue-run.8 one message
queue-run/workers.c RATE_MIN n queue-run.8 rate of a message
queue-run/workers.c DEATHS n queue-run.8 deaths
queue-run/workers.c FAILURES n queue-run.8 failures
queue-run/workers.c REAP n queue-run.8 end of a program
queue-run/destinations.h DOWN n queue-run.8 destination down
queue-run/messages.h WINDOW n queue-run.8 messages in memory
queue-run/messages.h LATER_MAX n queue-run.8 ids to take up
queue-run/scan.c LONG n queue-run.8 long line
lib/nudge.h NUDGE_ROOM n queue-run.8 read of the FIFO
queue-run/finish.h RETRY_FIRST n queue-run.8 first retry
queue-run/finish.h RETRY_LAST n queue-run.8 retry
queue-run/finish.h BUSY n queue-run.8 busy message
queue-run/finish.h NOTICE_AFTER n queue-run.8 notice of delay
queue-run/finish.h GIVE_UP_AFTER n queue-run.8 given up
queue-run/report.h RETURN_USUAL n queue-run.8 message
queue-run/report.h RETURN_ASKED n queue-run.8 message with RET=FULL
queue-run/report.h RETURN_HEADER n queue-run.8 header
queue-run/report.c FIELD n queue-run.8 field
queue-run/status.c WIDTH n queue-run.8 lines of a report
lib/job.h JOB_LINE_MAX n queue-run.8 answer of a program
queue-run/messages.c YOUNG n queue-run.8 damaged file
queue-run/scan.c TMP_AGE n queue-run.8 file in spool/tmp
queue-run/queue-run.c LINGER n queue-run.8 waits for a nudge
queue-run/queue-run.c HANDOVER n queue-run.8 another one
queue-run/queue-run.c HANG n queue-run.8 hang
queue-run/queue-run.c STOP n queue-run.8 end
queue-run/queue-run.c LOOK n queue-run.8 look at the configuration
lib/entry.h ENTRY_HEAD_MAX n pennypost-queue.5 envelope
lib/entry.h ENTRY_ANSWERS_MAX n pennypost-queue.5 answers
lib/queue.c SIZE_DIGITS n pennypost-queue.5 size
lib/program.h ID_SIZE n-1 pennypost-queue.5 id
lib/address.h ADDRESS_SIZE n-1 pennypost-queue.5 address
lib/envelope.h ENVID_SIZE n-1 pennypost-queue.5 envid
lib/envelope.h ORCPT_SIZE n-1 pennypost-queue.5 orcpt
lib/envelope.h RECIPIENTS_MAX n pennypost-queue.5 recipients
lib/config.c FILE_MAX n pennypost.conf.5 file
lib/config.c ROUTES_MAX n pennypost.conf.5 route lines
lib/config.c TLS_LINES_MAX n pennypost.conf.5 tls lines
tls/tls.c HANDSHAKE n tls.8 handshake
tls/relay.c FLUSH n tls.8 wait for the reader
tls/relay.c LINGER n tls.8 rest of the input
tls/relay.c LINGER_MAX n tls.8 its size
tls/relay.c RECORD n tls.8 piece
tls/certificate.h NAME_SIZE n-1 tls.8 name
tls/certificate.c CLIENTS_MAX n tls.8 users/tls/clients.pem
tls/ticket.h TICKET_KEY_AGE n tls.8 age of a ticket's key
tls/ticket.h TICKET_LIFE n tls.8 ticket
tls/ticket.h TICKET_KEYS_MAX n tls.8 keys
tls/tls.c MEMORY_MAX n tls.8 memory
tls/tls.c FILES_MAX n tls.8 descriptors
lib/seccomp.c REFUSALS_MAX n pennypost-confinement.7 lines of refusals
lib/places.h PLACES_MAX n deliver.8 named by aliases
lib/places.h PLACES_MAX n queue-run.8 named by aliases
deliver/box.c MEMORY n deliver.8 memory
deliver/box.c FILES n deliver.8 descriptors
deliver/box.c PIPE_FILES n deliver.8 descriptors of command
deliver/box.c PIPE_SECONDS n deliver.8 time of processor
deliver/box.c SIBLINGS_MAX n deliver.8 beside the home
sendmail/sendmail.c MEMORY n sendmail.8 memory
imapd/imapd.c STRANGER_LINE n imapd.8 line before a login
imapd/imapd.c LINE_MAX n imapd.8 command line
imapd/imapd.c STRANGER_LITERALS n imapd.8 literals before a login
imapd/input.h LITERALS_MAX n imapd.8 literals
imapd/input.c SKIP_MAX n imapd.8 refused literals
imapd/append.c MESSAGES_MAX n imapd.8 messages in an APPEND
lib/login.h LOGIN_SIZE n-1 imapd.8 user, password
imapd/imapd.c STRANGER_ERRORS n imapd.8 errors before a login
imapd/imapd.c LOGIN_ERRORS n imapd.8 wrong password
imapd/imapd.c ERRORS_MAX n imapd.8 errors
lib/door.c REFUSED_MAX n imapd.8 refused logins
imapd/imapd.c TALKER_MEMORY n imapd.8 memory of the talker
imapd/imapd.c SESSION_MEMORY n imapd.8 memory of the session
imapd/imapd.c STRANGER_TIMEOUT n imapd.8 a line before a login
imapd/imapd.c TIMEOUT n imapd.8 a line, a response
imapd/idle.c SIGN_OF_LIFE n imapd.8 silence in IDLE
imapd/session.c PROGRESS_AFTER n imapd.8 silence in a command
lib/door.c LINGER n imapd.8 rest of the output
lib/conn.c LINGER n imapd.8 rest of the input
lib/lock.c PATIENCE n imapd.8 wait for the lock
lib/names.h FOLDER_NAME_SIZE n-1 imapd.8 name of a mailbox
lib/names.h FOLDER_DEPTH_MAX n imapd.8 levels of mailboxes
imapd/folders.h FOLDERS_MAX n imapd.8 mailboxes
lib/subscriptions.h SUBSCRIPTIONS_MAX n imapd.8 subscriptions
imapd/list.c PATTERNS_MAX n imapd.8 patterns in a LIST
imapd/quota.c QUOTA_AGE n imapd.8 age of the quota's sum
imapd/quota.c QUOTA_AGE_REFUSED n imapd.8 the same before a refusal
imapd/watch.h WATCHES_MAX n imapd.8 directories watched
imapd/watch.c LOOK_EVERY n imapd.8 looks
imapd/news.c OTHERS_MAX n imapd.8 mailboxes in NOTIFY
imapd/notify.c GROUPS_MAX n imapd.8 groups in NOTIFY
imapd/request.c SECTIONS_MAX n imapd.8 sections in a FETCH
imapd/section.h SECTION_PATH_MAX n imapd.8 numbers of a section
imapd/section.h SECTION_FIELDS_MAX n imapd.8 names in HEADER.FIELDS
imapd/criteria.h SEARCH_KEYS_MAX n imapd.8 keys in a SEARCH
imapd/criteria.h SEARCH_WORDS_MAX n imapd.8 words in a SEARCH
imapd/criteria.h SEARCH_CPU_MAX n imapd.8 time of a SEARCH
imapd/text.h TEXT_MAX n imapd.8 text searched
imapd/sort.c SORT_KEYS_MAX n imapd.8 keys in a SORT
imapd/order.h ORDER_TEXT_MAX n imapd.8 text sorted by
imapd/subject.h SUBJECT_MAX n imapd.8 subject
imapd/ids.h IDS_MAX n imapd.8 references
imapd/threads.c STEPS_MAX n imapd.8 steps in a THREAD
imapd/load.h LOAD_MAX n imapd.8 message
imapd/record.c HEADER_MAX n imapd.8 header
imapd/structure.c TEXTS_MAX n imapd.8 texts of a response
lib/mime.h MIME_DEPTH_MAX n imapd.8 nested parts
lib/mime.h MIME_PARTS_MAX n imapd.8 parts
lib/mime.c BOUNDARY_MAX n imapd.8 boundary
lib/mime.c TYPE_MAX n imapd.8 MIME type
lib/mime.c TEXT_MAX n imapd.8 text of a part
lib/mime.c TEXT_WIDE_MAX n imapd.8 the same in a wide charset
imapd/structure.c NAME_MAX n imapd.8 encoding, language
lib/parameters.h PARAMETERS_MAX n imapd.8 parameters
lib/parameters.c LIST_MAX n imapd.8 parameter list
lib/parameters.c NAME_MAX_2231 n imapd.8 parameter's name
lib/words.c CHARSET_SIZE n-1 imapd.8 charset's name
lib/words.h WORDS_MAX n imapd.8 encoded words
imapd/preview.c PREVIEW_MAX n imapd.8 preview
imapd/preview.c PLAIN_MAX n imapd.8 text for a preview
imapd/preview.c HTML_MAX n imapd.8 HTML for a preview
imapd/record.h RECORD_MAX n imapd.8 record of the index
lib/keywords.h KEYWORDS_MAX n pennypost-maildir.5 keywords of a folder
lib/keywords.h KEYWORD_SIZE n-1 pennypost-maildir.5 keyword
lib/keywords.c FILE_MAX n pennypost-maildir.5 dovecot-keywords
imapd/name.h NAME_SIZE n-1 pennypost-maildir.5 name
imapd/messages.c GONE_KEPT n pennypost-maildir.5 expunges remembered
imapd/messages.c LINES_FREE n pennypost-maildir.5 dead lines
imapd/messages.c LINES_PATIENCE n pennypost-maildir.5 dead lines while a client waits
imapd/messages.c LINES_DEAD n pennypost-maildir.5 dead lines at most
imapd/directory.c TMP_AGE n pennypost-maildir.5 file in tmp
lib/lock.c PATIENCE n pennypost-maildir.5 wait for the lock
imapd/index.c DEAD_ALLOWED n pennypost-maildir.5 dead records
mailclient/terminal.h LINE_MAX_ASKED n mailclient.1 answer
mailclient/draft.h DRAFT_RECIPIENTS_MAX n mailclient.1 recipients
mailclient/draft.h DRAFT_NAME_MAX n mailclient.1 name
mailclient/draft.h DRAFT_SUBJECT_MAX n mailclient.1 subject
mailclient/compose.h COMPOSE_TEXT_MAX n mailclient.1 text
mailclient/draft.c LINE_FOLDED n mailclient.1 header line
mailclient/draft.c LINE_SENT_MAX n mailclient.1 text line
mailclient/draft.c REFERENCES_LONG n mailclient.1 references
mailclient/listing.h PAGE_MAX n mailclient.1 page
mailclient/listing.h PAGE_ELSE n mailclient.1 page of a script
mailclient/terminal.h COLUMNS_ELSE n mailclient.1 columns of a script
mailclient/terminal.h ROWS_ELSE n mailclient.1 rows of a script
mailclient/terminal.c COLUMNS_MIN n mailclient.1 narrow window
mailclient/terminal.c ROWS_MIN n mailclient.1 low window
mailclient/terminal.c SHOWN_MAX n mailclient.1 sentence
mailclient/letter.h LETTER_TEXT_MAX n mailclient.1 text shown
mailclient/letter.h ATTACHMENTS_MAX n mailclient.1 attachments
mailclient/letter.c NAME_PROPOSED_MAX n mailclient.1 proposed name
lib/html.c LINK_MAX n mailclient.1 link
mailclient/box.h BOX_MESSAGE_MAX n mailclient.1 mail
mailclient/box.h BOX_HEADER_MAX n mailclient.1 header in the list
mailclient/box.h BOX_PREPARED_MAX n mailclient.1 headers in memory
mailclient/box.h BOX_MAILS_MAX n mailclient.1 mails
mailclient/pop3.c LISTING_MAX n mailclient.1 LIST of POP3
mailclient/pop3.c CAPABILITIES_MAX n mailclient.1 CAPA
mailclient/pop3.c COMMAND_MAX n mailclient.1 command of POP3
mailclient/teaching.c LIST_MAX n mailclient.1 LIST of mysmtpd
mailclient/remote.h REPLY_LINE_MAX n mailclient.1 line of a reply
mailclient/smtp.c REPLY_LINES_MAX n mailclient.1 lines of a reply
mailclient/remote.c WORDS_MAX n mailclient.1 words of a server
mailclient/remote.c CONNECT_TIMEOUT n mailclient.1 connecting
mailclient/remote.c HANDSHAKE_TIMEOUT n mailclient.1 handshake
mailclient/remote.c REPLY_TIMEOUT n mailclient.1 reply
mailclient/smtp.c END_TIMEOUT n mailclient.1 end of the text
mailclient/teaching.c END_TIMEOUT n mailclient.1 end with mysmtpd
mailclient/remote.c RATE_MIN n mailclient.1 rate
mailclient/remote.c SKIP_MAX n mailclient.1 text passed over
mailclient/remote.c FAREWELL n mailclient.1 end of tls
mailclient/keeper.c TALKER_MEMORY n mailclient.1 memory of the talker
mailclient/keeper.c KEEPER_MEMORY n mailclient.1 memory of the keeper
mailclient/keeper.c FILES n mailclient.1 descriptors
LIMITS
}

# Numbers that are no limit on anything from outside.
no_limits() {
	cat <<'WORK'
lib/conn.c WRITE_PIECE
lib/catalogue.h CATALOGUE_ID_SIZE
import/courier.c TURN_DIGITS
import/courier.c LOOKS
import/arrival.c NUMBERS_MAX
import/arrival.c FORWARD_LIMIT
import/teaching.c WORD_MAX
import/teaching.c RULE_LEAST
import/teaching.c MARK_LEAST
export/export.c GUID
export/folder.c TICK
export/folder.h FOLDER_PATH_SIZE
export/tar.c BLOCK
export/tar.c NAME_MAX_USTAR
import/ledger.c KEY_SIZE
import/ledger.c LINE_SIZE
import/ledger.c HEX_SIZE
import/maildir.c BLOCK
import/format.c WIDTH_MAX
import/place.c MADE_DIGITS
import/place.h UNSYNCED_MAX
import/present.c WHERE
import/present.h NAME_SIZE
import/stream.h SENDER_SIZE
import/stream.h UNIQUE_SIZE
import/writer.c SAY_EVERY
lib/log.c LOW
lib/confine.c SYS_landlock_create_ruleset
lib/confine.c SYS_landlock_add_rule
lib/confine.c SYS_landlock_restrict_self
lib/confine.c CREATE_RULESET_VERSION
lib/confine.c RULE_NET_PORT
lib/confine.c RULE_PATH_BENEATH
lib/seccomp.c ARCHITECTURE
lib/calls.c ALWAYS
lib/calls.c NEVER
lib/calls.h CALL_NO_PATH
lib/calls.h CALLS_NUMBERS
lib/seccomp.c LENGTH_MAX
lib/seccomp.c KILLED
lib/places.c ALIASES_MAX
deliver/deliver.c NUDGES
queue-run/queue-run.c ANEW
queue-run/queue-run.c FILES
lib/conn.c POLL_MAX
lib/program.h PATH_SIZE
lib/pool.c BLOCK
lib/envelope.c PARAMETERS_MAX
lib/envelope.h NOTIFY_SIZE
smtpd/handoff.c HEAD
mysmtpd/store.c REPLY_SIZE
mysmtpd/show.c DAY_SIZE
lib/program.c ENVIRONMENT_MAX
lib/program.c FDS
lib/door.h DOOR_TEXT_SIZE
sendmail/sendmail.c CLOSE_RANGE_CLOEXEC
sendmail/submit.c PLACE_SIZE
sendmail/tools.c BATCH
sendmail/mailq.c ID_WIDTH
sendmail/mailq.c SENDER_AT
smtp-send/session.h SESSION_PEER_SIZE
smtp-send/session.h SESSION_HOW_SIZE
smtp-send/policy.c SUBMISSIONS_PORT
lib/config.h TLS_ANY_PORT
smtp-send/mx.c LOOPBACK_MTU
smtp-send/mx.h MX_REPLY_SIZE
smtp-send/mx.h MX_TEXT_SIZE
lib/dns.c DNS_PORT
lib/dns.c TOGETHER
lib/wire.c POINTERS_MAX
lib/wire.h WIRE_QUERY_MAX
lib/route.c SMTP_PORT
lib/route.h NEXT_HOP_SIZE
deliver/resolve.c KEY_SIZE
lib/srs.c SECRET_SIZE
lib/srs.c DAYS
lib/sha256.h SHA256_SIZE
lib/scram.h SCRAM_NAME_SIZE
lib/scram.h SCRAM_VERIFIER_SIZE
lib/penalty.h PENALTY_SECRET
lib/penalty.c TIME_MAX
lib/login.c AUTH_TIME
lib/login.c FIRST_BLOCK
auth/hash.c SALT
auth/dialogue.c NONCE
lib/sha256.h SHA256_BLOCK
lib/entry.c PATH_MAX_HERE
queue-run/messages.c PLACES
queue-run/destinations.c PLACES
queue-run/workers.c FORGET
queue-run/queue-run.c HANDOVER_STEP
queue-run/queue-run.c WAIT_MAX
queue-run/queue-run.c TAKE_UP
queue-run/scan.c STEP_NAMES
queue-run/scan.c STEP_LOADS
queue-run/report.c BLOCK
queue-run/report.c BOUNDARY_BYTES
queue-run/finish.h RETRY_JITTER
deliver/maildir.c MANY
deliver/maildir.c EXT4_MAGIC
deliver/maildir.c XFS_MAGIC
deliver/maildir.c BTRFS_MAGIC
tls/outcome.c STATUS
tls/ticket.c VERSION
tls/tls.c SECURITY
imapd/batch.c BATCH_LONG
imapd/binary.c LINE_OCTETS
lib/block.h BLOCK
lib/charset.c NAME_SIZE
lib/charset.c PIECE
imapd/criteria.c DAY
lib/date.c DAY
lib/date.h DATE_TIME_SIZE
lib/decode.c OTHER
lib/decode.c PAD
lib/decode.c PIECE
lib/decode.c SPACE
imapd/directory.c NOREPLACE
imapd/fetch.c COPY_MAX
imapd/index.c FORMAT
imapd/index.c LIBC
imapd/index.c ORDER
imapd/index.c PENDING
imapd/index.c PENDING_MAX
imapd/window.c READ_FIRST
imapd/window.c READ_MOST
imapd/index.h EMAIL_ID_SIZE
imapd/load.c HEADER_FIRST
imapd/load.c NAME_SIZE
imapd/load.c RAW_SIZE
lib/lock.c STEP_MAX
imapd/mailbox.c COUNT_AT_ONCE
imapd/manage.c QUOTA_UNIT
imapd/match.c DAY
imapd/match.c LONG
imapd/match.c LOOK_EVERY
imapd/messages.c LINE_LEAST
lib/mime.c TEXT_ROOM
imapd/order.c FEW
lib/names.h NAME_UTF8_SIZE
lib/parameters.c CHARSET_SIZE
imapd/quota.c QUOTA_FILE_MAX
lib/rare.c CHINESE_PLANES
lib/rare.c CHINESE_RARE
lib/rare.c KOREAN_ALL
lib/rare.c KOREAN_FIRST
lib/rare.c KOREAN_PAIRS
imapd/record.c DAY
imapd/record.c HEADER_TEXTS
imapd/record.c MAGIC
imapd/record.c ODD
imapd/record.h RECORD_ALIGN
imapd/record.h RECORD_TEXTS
lib/root.c TREE_DEPTH
imapd/scan.c DOUBT
imapd/scan.c QUIET
imapd/section.c DIGITS
imapd/signature.c FILTER_BITS
imapd/signature.c SIZE_LEAST
imapd/signature.c SIZE_MOST
imapd/signature.h KEY_TRIGRAMS
imapd/threads.h NOBODY
imapd/uids.c HEADER
imapd/uids.c PADDING
imapd/uids.c PIECE
imapd/uids.c STATE_NUMBERS
imapd/uids.c TAIL
imapd/uses.c USES_MAX
imapd/uses.h USES
lib/utf8.h UTF8_SIZE
imapd/view.h FLAGS_TEXT_SIZE
mailclient/keeper.c TEXTS
mailclient/listing.c DATE_COLUMNS
mailclient/listing.c SENDER_COLUMNS
mailclient/listing.c FRAME_ROWS
mailclient/remote.c STEP
mailclient/terminal.c TAB
WORK
}

@test "every page is clean" {
	run -0 mandoc -Tlint -W warning "$man"/*
	[ -z "$output" ]
}

@test "every program has a page, and every reference leads to one" {
	local program names page
	read -d '' -ra names < <(sed -n -e '/^PROGRAMS = /,/[^\]$/{
		s/^PROGRAMS = //; s/\\$//; p; }' "$ROOT/Makefile") || :
	[ "${#names[@]}" -gt 0 ]
	for program in "${names[@]}" tls; do
		[ -s "$man/$program.8" ] || [ -s "$man/$program.1" ] || { echo "no page: $program"; return 1; }
	done
	sed -n 's/^\.Xr \([^ ]*\) \([1-9]\).*/\1.\2/p' "$man"/* | sort -u |
		while read -r page; do
			case $page in
			sh.1 | tar.1 | zcat.1 | *.2 | *.3 | passwd.5 | inotify.7 | xinetd.8 | systemd.*) continue ;;
			esac
			[ -s "$man/$page" ] || echo "no page: $page"
		done >missing
	[ ! -s missing ] || { cat missing; return 1; }
}

@test "limits: the numbers of the pages are those of the source" {
	local file name of page label n got
	while read -r file name of page label; do
		n=$(defined "$file" "$name")
		got=$(row "$page" "$label")
		[ "$got" = $((${of/n/$n})) ] ||
			echo "$page, $label: '$got', but $name is $n in src/$file"
	done < <(limits) >wrong
	[ ! -s wrong ] || { cat wrong; return 1; }
}

@test "limits: those without a #define" {
	local size
	size=$(sed -n 's/.*message_size_limit = \([0-9]*\)u << \([0-9]*\),.*/\1<<\2/p' \
		"$src/lib/config.c")
	[ "$(row smtpd.8 message)" = $((size)) ]
	[ "$(row deliver.8 message)" = $((size)) ]
	[ "$(row mysmtpd.8 message)" = $((size)) ]
	grep -q "char helo\[$(($(row smtpd.8 'name in HELO') + 1))\]" \
		"$src/smtpd/smtpd.c"
	grep -qF 'PATIENCE(limit) (2 * (limit) + (1u << 20))' "$src/lib/body.c"
	[ "$(grep -c '^\.It refused message Ta twice + 1048576 Ta' \
		"$man/smtpd.8" "$man/deliver.8" | grep -c ':1$')" = 2 ]
	grep -q "/.forward\", mailbox);" "$src/deliver/resolve.c"
	grep -q "str_read_file(&text, path, $(row deliver.8 .forward))" \
		"$src/deliver/resolve.c"
	[ "$(row queue-run.8 'added by chance')" = 1/8 ]
	grep -q '^#define RETRY_JITTER 8 ' "$src/queue-run/finish.h"
	grep -q "if (n > $(row deliver.8 'file named by alias'))" \
		"$src/deliver/resolve.c"
}

@test "limits: none without a row in a page" {
	# Values that begin with a digit, but no texts: those are replies.
	(cd "$src" && grep -rE '^#define [A-Z0-9_]+ ("[0-9]+"|\(?[0-9])' -- */*.[ch]) |
		sed 's|^\([^:]*\):#define \([A-Z0-9_]*\) .*|\1 \2|' |
		grep -v '^listen/' | sort -u >have
	{ limits; no_limits; } | cut -d' ' -f1,2 | sort -u >told
	comm -23 have told >untold
	[ ! -s untold ] || { cat untold; return 1; }
}

# What a peer is told when a limit is passed stands in the page as in the source.
@test "limits and replies: the texts of the pages are those of the source" {
	local text
	sed -n 's/^\.Ql \(-\{0,1\}[45E][0-9R][0-9R] .*\)/\1/p' \
		"$man"/{smtpd,deliver,pop3d,mysmtpd}.8 |
		sed 's/ [;,.]$//; s/\\&//g; s/^-ERR //' | sort -u >texts
	[ "$(wc -l <texts)" -gt 20 ]
	while read -r text; do
		grep -qrF -- "$text" "$src" || echo "not in src/: $text"
	done <texts >missing
	[ ! -s missing ] || { cat missing; return 1; }
}

# conversation PAGE: what its EXAMPLES say, for the home of the tests.
conversation() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh/p' "$man/$1" | grep '^[CS]:' |
		sed 's/example\.org/example.test/g
		s/^\(S: 250 2.0.0 OK\) .*/\1 */; s/\\e/\\/g'
}

@test "examples: the conversations are what the programs say" {
	conversation smtpd.8 | both "$PROGRAMS/smtpd"
	conversation deliver.8 | both "$PROGRAMS/deliver"
	local mail=$MAIL/alice/new/1.example
	rm -f "$MAIL"/alice/new/*
	printf 'Subject: hi\n\nHello.\n' >"$mail"
	conversation pop3d.8 | pipe "$PROGRAMS/pop3d"
	rm -f "$MAIL"/bob/new/*
	conversation mysmtpd.8 | pipe "$PROGRAMS/mysmtpd" -L
	[ ! -e "$mail" ]
	printf 'Subject: hi\n\nHello.\n' >"$mail"
	conversation imapd.8 | pipe "$PROGRAMS/imapd"
	[ "$(count "$MAIL"/alice/{new,cur})" = 0 ]
}

@test "examples: the queue file is what smtpd writes" {
	local page=$man/pennypost-queue.5 size
	sed -n '/^\.Bd -literal/,/^\.Ed/p' "$page" | sed '1d;$d' >file
	size=$(sed -n 's/^size 0*//p' file)
	[ "$size" = "$(sed '1,/^$/d' file | wc -c)" ]
	pipe env TCPREMOTEIP=127.0.0.1 "$PROGRAMS/smtpd" <<'TALK'
S: 220 *
C: HELO client.example.net
S: 250 *
C: MAIL FROM:<alice@example.test> BODY=8BITMIME RET=FULL ENVID=abc
S: 250 *
C: RCPT TO:<x@example.net> NOTIFY=NEVER
S: 250 *
C: RCPT TO:<bob@example.test>
S: 250 *
C: RCPT TO:<y@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;z@example.net
S: 250 *
C: DATA
S: 354 *
C: Subject: x
C:
C: body
C: .
S: 250 *
TALK
	shape() {
		sed 's/example\.org/example.test/g; s/[0-9A-F]\{14,\}\.[0-9]*/ID/
		s/^arrived .*/arrived T/; s/^\t[A-Z].*+0000$/\tDATE/
		s/ with E\{0,1\}SMTP / with SMTP /; s/^\(size\) .*/\1/' "$@"
	}
	diff <(shape file) <(shape "$QUEUE"/*)
}
