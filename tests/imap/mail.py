#!/usr/bin/env python3
"""mail.py DIRECTORY: test mail, most of it broken, a file each: NAME.eml."""

import base64
import os
import sys

MAIL = {}


def mail(name, text):
    if isinstance(text, str):
        text = text.encode("utf-8", "surrogateescape")
    assert name not in MAIL, name
    MAIL[name] = text


def fields(name, text):
    """A header alone, with a body of one line."""
    if isinstance(text, str):
        text = text.encode("utf-8", "surrogateescape")
    mail(name, text + b"\n\nbody\n")


def mime(name, text, kind="multipart/mixed; boundary=b"):
    mail(name, "From: a@example.test\nSubject: %s\nMIME-Version: 1.0\n"
         "Content-Type: %s\n\n%s" % (name, kind, text))


def addresses(name, value):
    fields("address-" + name, b"To: " + (value if isinstance(value, bytes) else
                                         value.encode()) + b"\nSubject: x")


def types(name, value):
    mail("type-" + name, b"Content-Type:" + (
        value if isinstance(value, bytes) else value.encode()) +
        b"\nSubject: x\n\nbody\nmore\n")


# Headers

mail("empty", "")
mail("newline", "\n")
mail("newlines", "\n\n\n\n")
mail("one-letter", "x")
mail("no-header", "\nbody alone\n")
mail("no-body", "Subject: x\n\n")
mail("no-blank-line", "Subject: x\nFrom: a@example.test\n")
mail("no-final-newline", "Subject: x\n\nbody")
mail("header-no-final-newline", "Subject: x\nFrom: a@example.test")
mail("no-fields", "this is no header\nnor is this\n\nbody\n")
mail("text-then-fields", "this is no field\nSubject: x\n\nbody\n")
mail("no-field-between", "Subject: x\nno field here\nFrom: a@example.test\n\n"
     "body\n")
mail("no-field-folded", "Subject: x\nno field here\n and more\n"
     "From: a@example.test\n\nbody\n")
mail("mbox-from", "From a@example.test Mon Nov 23 10:00:00 2026\nSubject: x\n\n"
     "body\n")
mail("mbox-quoted", ">From a@example.test Mon Nov 23 10:00:00 2026\n"
     "Subject: x\n\nbody\n")
mail("fold-first", " folded from nothing\nSubject: x\n\nbody\n")
fields("all", """Date: Mon, 23 Nov 2026 10:00:00 +0100
Subject: everything
From: Anna <anna@example.test>
Sender: Bert <bert@example.test>
Reply-To: Carl <carl@example.test>
To: Dora <dora@example.test>, Emil <emil@example.test>
Cc: Frida <frida@example.test>
Bcc: Gustav <gustav@example.test>
In-Reply-To: <1@example.test>
References: <0@example.test> <1@example.test>
Message-ID: <2@example.test>""")
fields("none", "X-Nothing: here")
fields("lower-case", "subject: x\nfrom: a@example.test\nmessage-id: <1@x>")
fields("upper-case", "SUBJECT: x\nFROM: a@example.test\nMESSAGE-ID: <1@x>")
fields("blank-before-colon", "Subject : x\nFrom\t: a@example.test")
fields("no-blank-after-colon", "Subject:x\nFrom:a@example.test")
fields("blanks-around", "Subject:   x \t \nFrom: \t a@example.test  ")
fields("empty-values", "Subject:\nFrom:\nTo:\nCc:\nDate:\nMessage-ID:\n"
       "In-Reply-To:\nSender:\nReply-To:\nBcc:")
fields("blank-values", "Subject: \nFrom: \nTo: \t\nDate: \nMessage-ID: \t ")
fields("folded", "Subject: one\n two\n\tthree\n   \t four\nFrom: Anna\n"
       " <anna@example.test>")
fields("folded-at-once", "Subject:\n text\nFrom:\n\ta@example.test")
fields("folded-empty", "Subject: one\n \n two\nFrom: a@example.test")
fields("folded-blank-end", "Subject: one\n \nFrom: a@example.test")
fields("folded-tab-end", "Subject: one\n\t\n\t\nFrom: a@example.test")
fields("folded-to-nothing", "Subject:\n \nFrom: a@example.test")
fields("tabs", "Subject:\tone\ttwo\t\tthree\nFrom: a@example.test")
fields("inner-blanks", "Subject: one   two     three\nFrom: a@example.test")
fields("quotes", 'Subject: say "hello" and \\ too\nMessage-ID: <"a\\"b"@x>')
fields("duplicates", "Subject: one\nSubject: two\nFrom: a@example.test\n"
       "From: b@example.test\nMessage-ID: <1@x>\nMessage-ID: <2@x>\n"
       "Date: Mon, 23 Nov 2026 10:00:00 +0000\n"
       "Date: Tue, 24 Nov 2026 10:00:00 +0000\nTo: c@x\nTo: d@x\n"
       "In-Reply-To: <3@x>\nIn-Reply-To: <4@x>")
fields("duplicates-empty", "Subject: one\nSubject:\nTo:\nTo: a@x\nCc: a@x\nCc:")
fields("8-bit-utf-8", "Subject: Grüße aus Köln\n"
       "From: Jürgen <j@example.test>\nTo: <jürgen@köln.example>")
fields("8-bit-latin-1", b"Subject: Gr\xfc\xdfe\nFrom: J\xfcrgen <j@example.test>")
fields("8-bit-mixed", b"Subject: Gr\xfc\xc3\x9fe \xff\xfe\nFrom: \xff@\xfe")
fields("8-bit-name", b"S\xfcbject: x\nSubject: y")
fields("nul", b"Subject: a\0b\nFrom: \0a@example.test\nTo: a\0b <c\0d@e\0f>")
fields("nul-name", b"Sub\0ject: x\nSubject: y")
fields("controls", b"Subject: a\1b\x07c\x7fd\x1be\nFrom: a\1b <c@d>")
fields("bare-cr", b"Subject: a\rb\nFrom: a@example.test\rX: y")
fields("cr-cr-lf", b"Subject: a\r\r\nFrom: a@example.test\r\r")
mail("crlf", b"Subject: x\r\nFrom: a@example.test\r\n\r\nbody\r\nmore\r\n")
mail("crlf-mixed", b"Subject: x\r\nFrom: a@example.test\n\r\nbody\nmore\r\n")
mail("cr-alone-as-blank-line", b"Subject: x\n\r\nbody\n")
mail("cr-at-end", b"Subject: x\n\nbody\r")
mail("blank-line-of-blanks", "Subject: x\n  \t\nFrom: a@example.test\n\nbody\n")
fields("colon-first", ": nothing\nSubject: x")
fields("colons", "Subject: a: b: c\n:: x\nFrom: a@example.test")
fields("name-with-blank", "Sub ject: x\nSubject: y")
fields("long-name", "X" * 5000 + ": y\nSubject: x")
fields("long-subject", "Subject: " + "long " * 4000)
fields("long-folded", "Subject: long\n" + " longer and longer\n" * 500 +
       "From: a@example.test")
fields("long-line", "Subject: " + "x" * (1 << 20) + "\nFrom: a@example.test")
mail("long-body-line", "Subject: x\n\n" + "y" * (1 << 20) + "\n")
mail("many-fields", "".join("X-%d: %d\n" % (i, i) for i in range(5000)) +
     "Subject: x\n\nbody\n")
mail("many-received", "Received: from a by b; now\n\tand more\n" * 1000 +
     "Subject: x\n\nbody\n")
fields("ids", "Message-ID: no brackets\nIn-Reply-To: Your message of Monday "
       "<1@x>\nReferences: <a@b>")
fields("id-folded", "Message-ID:\n <a-long-one@example.test>\n"
       "In-Reply-To: <a@b>\n <c@d>")
fields("id-comment", "Message-ID: (why) <a@b> (not)\nDate: (no) Monday")
fields("name-of-two", "Sub ject: no\nMessage ID: no\nX: y\nTo x: a\nTo: b@c")
fields("date-bad", "Date: the day after tomorrow\nSubject: x")
fields("encoded", "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= =?iso-8859-1?q?_aus?=\n"
       "From: =?utf-8?B?SsO8cmdlbg==?= <j@example.test>")
fields("encoded-folded", "Subject: =?utf-8?Q?a?=\n =?utf-8?Q?b?=\n\t"
       "=?utf-8?Q?c?=")
fields("encoded-quoted", 'From: "=?utf-8?Q?J=C3=BCrgen?=" <j@example.test>')
fields("encoded-comma", "From: =?utf-8?Q?a,_b?= <j@example.test>, c@d")
fields("encoded-raw-comma", "From: =?utf-8?Q?a, b?= <j@example.test>")
fields("encoded-broken", "Subject: =?utf-8?Q?a =?utf-8?X?b?= =?utf-8?Q?=ZZ?= "
       "=??Q?x?= =?utf-8?Q\nFrom: =?utf-8?Q?a?= b =?utf-8?Q?c <d@e>")
fields("encoded-unknown", "Subject: =?nonsense?Q?=80=81?=\n"
       "From: =?nonsense?B?gIE=?= <a@b>")

# Addresses

addresses("plain", "a@b")
addresses("angle", "<a@b>")
addresses("name", "Anna Beta <a@b>")
addresses("quoted", '"Beta, Anna" <a@b>')
addresses("quoted-pairs", r'"a \"b\" \\ c" <a@b>')
addresses("quoted-blanks", '"  a   b  " <a@b>')
addresses("quoted-empty", '"" <a@b>')
addresses("quoted-two", '"a" "b" <a@b>')
addresses("quoted-joined", '"a"b"c" <a@b>')
addresses("quoted-open", '"a b <a@b>, c@d')
addresses("quoted-folded", '"a\n b" <a@b>')
addresses("quoted-local", '"a b"@c')
addresses("quoted-local-angle", '<"a b"@c>')
addresses("quoted-local-special", r'<"a\"<>@b"@c>, x@y')
addresses("comment-name", "a@b (Anna Beta)")
addresses("comment-before", "(Anna) a@b")
addresses("comment-two", "a@b (one) (two)")
addresses("comment-in", "Anna (the (nested) one) <a@b>")
addresses("comment-in-angle", "Anna <a(x)@(y)b(z)>")
addresses("comment-angle-after", "<a@b> (Anna)")
addresses("comment-pairs", r"a@b (a \) b \( c)")
addresses("comment-open", "a@b (never closed, c@d")
addresses("comment-only", "(nobody)")
addresses("comment-nested", "a@b " + "(" * 50 + "x" + ")" * 50)
addresses("comment-deep", "a@b " + "(" * 20000)
addresses("comment-empty", "a@b ()")
addresses("comment-close", "a@b ) c@d")
addresses("list", "a@b, c@d, e@f")
addresses("list-tight", "a@b,c@d,e@f")
addresses("list-folded", "a@b,\n c@d,\n\te@f")
addresses("commas", ",a@b,, ,c@d,")
addresses("commas-only", ",,,")
addresses("semicolons", "a@b; c@d; e@f")
addresses("blanks-between", "a@b c@d")
addresses("angles-between", "<a@b> <c@d>")
addresses("names-between", "Anna <a@b> Bert <c@d>")
addresses("group", "Friends: a@b, Carl <c@d>;")
addresses("group-empty", "undisclosed-recipients:;")
addresses("group-blank", "undisclosed recipients: ;")
addresses("group-quoted", '"Good, friends": a@b;')
addresses("group-open", "Friends: a@b, c@d")
addresses("group-open-empty", "Friends:")
addresses("group-then", "x@y, Friends: a@b;, z@w")
addresses("group-no-comma", "Friends: a@b; z@w")
addresses("group-two", "A: a@b;, B: c@d;")
addresses("group-nested", "A: B: a@b;;, c@d")
addresses("group-commas", "A: ,a@b,,;")
addresses("group-comment", "A (x): (y) a@b (z); (w)")
addresses("group-no-name", ": a@b;")
addresses("route", "<@x,@y:a@b>")
addresses("route-one", "Anna <@x:a@b>")
addresses("route-blank", "<@x , @y : a@b>")
addresses("route-commas", "<@x,,@y:a@b>")
addresses("route-no-colon", "<@x a@b>")
addresses("route-only", "<@x>")
addresses("route-open", "<@x,@y:a@b")
addresses("no-domain", "anna")
addresses("no-domain-angle", "<anna>")
addresses("no-domain-name", "Anna <anna>")
addresses("no-domain-words", "Anna Beta")
addresses("no-domain-quoted", '"Anna Beta"')
addresses("no-domain-list", "anna, bert, Carl Delta, <emil>")
addresses("no-domain-at", "anna@")
addresses("no-domain-at-angle", "<anna@>")
addresses("no-local", "@b")
addresses("no-local-angle", "<@b>")
addresses("no-local-name", "Anna <@b>")
addresses("angle-empty", "<>")
addresses("angle-empty-name", "Anna <>")
addresses("angle-blank", "< >")
addresses("angle-open", "Anna <a@b")
addresses("angle-open-list", "Anna <a@b, c@d")
addresses("angle-close", "a@b>")
addresses("angle-double", "<<a@b>>")
addresses("angle-double-name", "Anna <<a@b>>")
addresses("angle-blanks", "< a @ b >")
addresses("angle-words", "Anna <a b@c>")
addresses("angle-mail-to", "<mailto:a@b>")
addresses("angle-only", "<")
addresses("at-only", "@")
addresses("at-two", "a@b@c")
addresses("at-two-angle", "<a@b@c>")
addresses("blanks-in", "a @ b . c")
addresses("dots", "a.b.c@d.e.f")
addresses("dots-blank", "a . b @ c . d")
addresses("dots-odd", ".a..b.@.c..d.")
addresses("dot-in-name", "J. R. Beta <a@b>")
addresses("dot-in-name-tight", "J.R.Beta <a@b>")
addresses("dot-name-end", "Anna Beta Jr. <a@b>")
addresses("domain-literal", "a@[127.0.0.1]")
addresses("domain-literal-6", "<a@[IPv6:::1]>")
addresses("domain-literal-blank", "a@[ 127.0.0.1 ]")
addresses("domain-literal-open", "a@[127.0.0.1, c@d")
addresses("name-is-address", "a@b <c@d>")
addresses("name-is-address-quoted", '"a@b" <c@d>')
addresses("name-apostrophe", "'a@b' <c@d>")
addresses("name-brackets", "[Anna] <a@b>")
addresses("name-colon", "Re: you <a@b>")
addresses("name-slash", "A/B =C <a@b>")
addresses("name-backslash", "A\\B <a@b>")
addresses("name-tight", "Anna<a@b>")
addresses("name-words-address", "Anna Beta a@b")
addresses("name-behind", "<a@b> Anna")
addresses("name-quoted-tight", '"Anna"<a@b>')
addresses("name-8-bit", b"J\xfcrgen <a@b>")
addresses("name-8-bit-utf-8", "Jürgen Größe <a@b>")
addresses("name-encoded", "=?utf-8?Q?J=C3=BCrgen?= =?utf-8?Q?_x?= <a@b>")
addresses("name-encoded-tight", "=?utf-8?Q?J?=<a@b>")
addresses("name-blanks", "  Anna \t Beta   <a@b>  ")
addresses("name-folded", "Anna\n  Beta\n <a@b>")
addresses("percent", "a%b@c, a!b!c@d, a+b@c, a=b@c, a_b@c, a-b@c")
addresses("x400", "/G=Anna/S=Beta/@gateway")
addresses("bang", "host!user")
addresses("backslash", "a\\@b@c")
addresses("unicode", "用户@例子.测试")
addresses("semicolon-only", ";")
addresses("many", ", ".join("Name %d <a%d@b>" % (i, i) for i in range(2000)))
addresses("many-folded", ",\n ".join("a%d@b" % i for i in range(2000)))
addresses("many-groups", ", ".join("G%d: a@b, c@d;" % i for i in range(500)))
addresses("comma-in-name", "Beta, Anna <a@b>")
addresses("nothing-but-blanks", " \t ")
fields("address-all", "From: a@b\nFrom: c@d\nSender:\nReply-To: Anna\n"
       "To: x@y\nTo: z@w\nCc: G:;\nBcc: ")
fields("from-empty", "From: \nTo: a@b")
fields("from-bad", "From: <>\nTo: a@b")
fields("sender-bad", "From: a@b\nSender: ,\nReply-To: ()")

# Content-Type and its parameters

types("none", " ")
types("empty", "")
types("plain", " text/plain")
types("html", " text/html; charset=utf-8")
types("case", " TEXT/Plain; CharSet=UTF-8")
types("blanks", " text / plain ; charset = utf-8 ; format = flowed")
types("tight", "text/plain;charset=utf-8;format=flowed")
types("comments", " (a) text (b) / (c) plain (d) ; (e) charset (f) = (g) utf-8 "
      "(h) ; x=y")
types("folded", " text/plain;\n\tcharset=utf-8;\n format=flowed")
types("quoted", ' text/plain; charset="utf-8"; x="a b;c=d"; y="a\\"b"')
types("quoted-open", ' text/plain; charset="utf-8; x=y')
types("quoted-empty", ' text/plain; charset=""; x=y')
types("quoted-tail", ' text/plain; charset="utf-8"x; y=z')
types("quoted-folded", ' text/plain; x="a\n b"')
types("single-quotes", " text/plain; charset='utf-8'")
types("semicolons", " text/plain;; charset=utf-8;;;x=y;")
types("no-semicolon", " text/plain charset=utf-8")
types("no-value", " text/plain; charset=; x=y")
types("no-equals", " text/plain; charset; x=y")
types("no-name", " text/plain; =utf-8; x=y")
types("no-subtype", " text")
types("no-subtype-slash", " text/")
types("no-type", " /plain")
types("three", " text/plain/more; x=y")
types("bad", " text plain")
types("bad-characters", " te@xt/pl[ain; x=y")
types("comma", " text/plain, charset=utf-8")
types("8-bit", b" text/plain; name=gr\xfc\xdfe; x=y")
types("8-bit-quoted", ' text/plain; name="Grüße"')
types("8-bit-type", b" t\xe4xt/plain")
types("slashes", " text/plain; name=a/b/c.txt; x=y")
types("words", " text/plain; name=one two three.txt; x=y")
types("equals", " text/plain; name=a=b; x=y")
types("encoded", ' text/plain; name="=?utf-8?Q?Gr=C3=BC=C3=9Fe?="')
types("encoded-bare", " text/plain; name==?utf-8?Q?Gr=C3=BC=C3=9Fe?=; x=y")
types("duplicate-parameters", " text/plain; charset=utf-8; charset=us-ascii; "
      "x=1; X=2")
types("many-parameters", " text/plain" + "".join("; x%d=%d" % (i, i)
                                                 for i in range(1000)))
types("2231", " text/plain; name*=utf-8''Gr%C3%BC%C3%9Fe; x=y")
types("2231-language", " text/plain; name*=utf-8'de'Gr%C3%BC")
types("2231-parts", ' text/plain; name*0="one "; name*1="two "; name*2=three')
types("2231-parts-encoded", " text/plain; name*0*=utf-8''Gr%C3%BC; "
      "name*1*=%C3%9Fe; name*2=.txt")
types("2231-order", " text/plain; name*2=c; name*0=a; name*1=b")
types("2231-gap", " text/plain; name*0=a; name*2=c")
types("2231-no-zero", " text/plain; name*1=a; name*2=c")
types("2231-double", " text/plain; name*0=a; name*0=b; name*1=c")
types("2231-both", " text/plain; name=plain; name*=utf-8''ext")
types("2231-both-parts", " text/plain; name*0=a; name=plain; name*1=b")
types("2231-bad", " text/plain; name*=utf-8'x; other*=%zz; third*0*=a%")
types("2231-star", " text/plain; name*x=a; *=b; **=c; name**=d; name*0x=e")
types("2231-zeros", " text/plain; name*00=a; name*01=b")
types("2231-many", " text/plain" + "".join("; n*%d=x%d" % (i, i)
                                           for i in range(200)))
types("2231-huge", " text/plain; name*99999999999999999999=x; name*0=y")
types("image", " image/png; name=a.png")
types("application", " application/octet-stream")
types("unknown", " x-foo/x-bar; a=b")
types("charset-only", " ; charset=utf-8")
types("mixed-no-boundary", " multipart/mixed")
types("mixed-empty-boundary", ' multipart/mixed; boundary=""')
types("message-partial", " message/partial; id=x; number=1; total=3")
types("message-delivery-status", " message/delivery-status")
types("message-external", " message/external-body; access-type=URL; URL=x")
types("message-rfc822", " message/rfc822")
types("message-bad", " message/x-foo")
types("nul", b" text/plain; na\0me=x; y=a\0b")
mail("type-twice", "Content-Type: text/html\nContent-Type: image/png\n\nbody\n")
mail("type-twice-bad", "Content-Type: nonsense\nContent-Type: text/html\n\n"
     "body\n")
mail("no-mime-version", "Content-Type: text/html\n\n<p>body</p>\n")

for name, value in (
        ("7bit", "7bit"), ("8bit", "8BIT"), ("binary", "binary"),
        ("qp", "Quoted-Printable"), ("base64", "BASE64"), ("empty", ""),
        ("unknown", "x-unknown"), ("comment", "(a) base64 (b)"),
        ("semicolon", "base64;"), ("twice", "7bit\n"
         "Content-Transfer-Encoding: base64"), ("quoted", '"base64"'),
        ("two-words", "8 bit"), ("folded", "\n base64"), ("uu", "x-uuencode")):
    mail("encoding-" + name, "Content-Type: text/plain; charset=utf-8\n"
         "Content-Transfer-Encoding: %s\n\nR3LDvMOfZSBhdXMgS8O2bG4=\n" % value)
for name, value in (
        ("attachment", "attachment; filename=a.txt"), ("inline", "inline"),
        ("quoted", 'attachment; filename="a b.txt"; size=12'),
        ("2231", "attachment; filename*=utf-8''a%20b"),
        ("parts", 'attachment; filename*0="a"; filename*1="b"'),
        ("parts-encoded", "attachment; filename*0*=utf-8''a%20; "
         "filename*1*=b%C3%BC; filename*2=c"),
        ("empty", ""), ("no-type", "; filename=x"), ("bad", "@; filename=x"),
        ("no-semicolon", "attachment filename=x"),
        ("quoted-type", '"attachment"; filename=x'),
        ("encoded", 'attachment; filename="=?utf-8?Q?=C3=BC?="'),
        ("8-bit", "attachment; filename=Grüße.txt"),
        ("words", "attachment; filename=one two.txt"),
        ("comment", "(a) attachment (b) ; filename=x (c)"),
        ("twice", "inline; filename=a\nContent-Disposition: attachment"),
        ("only-filename", "filename=a.txt")):
    mail("disposition-" + name, "Content-Type: text/plain\n"
         "Content-Disposition: %s\n\nbody\n" % value)
for name, value in (
        ("one", "de"), ("list", "de, en-GB,fr"), ("blanks", " de  en "),
        ("comments", "de (German), en (English)"), ("empty", ""),
        ("bad", ",;@"), ("commas", ",,de,,en,")):
    mail("language-" + name, "Content-Type: text/plain\n"
         "Content-Language: %s\n\nbody\n" % value)
mail("content-all", "Content-Type: text/plain; charset=utf-8\n"
     "Content-ID: <part@example.test>\nContent-Description: a text\n"
     "Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\n"
     "Content-Location: http://example.test/a b\n"
     "Content-Language: en\nContent-Disposition: inline; x=y\n"
     "Content-Transfer-Encoding: 7bit\n\nbody\n")
mail("content-empty", "Content-Type: text/plain\nContent-ID:\n"
     "Content-Description:\nContent-MD5:\nContent-Location:\n"
     "Content-Language:\nContent-Disposition:\n"
     "Content-Transfer-Encoding:\n\nbody\n")
mail("content-twice", "Content-ID: <a>\nContent-ID: <b>\n"
     "Content-Description: a\nContent-Description: b\nContent-MD5: a\n"
     "Content-MD5: b\nContent-Location: a\nContent-Location: b\n"
     "Content-Language: de\nContent-Language: en\n\nbody\n")
mail("content-folded", "Content-Description: one\n two\n\tthree\n"
     "Content-Location: http://example.test/\n a/\n b\n"
     "Content-ID:\n <x>\n\nbody\n")
mail("content-8-bit", "Content-Description: Grüße\nContent-ID: <ü>\n"
     "Content-Location: ü\nContent-MD5: ü\nContent-Language: ü\n\nbody\n")


# The same where it is known to be MIME.

mail("typed-twice", "Content-Type: text/plain\nContent-ID: <a>\nContent-ID: <b>\n"
     "Content-Description: a\nContent-Description: b\nContent-MD5: a\n"
     "Content-MD5: b\nContent-Location: a\nContent-Location: b\n"
     "Content-Language: de\nContent-Language: en\n\nbody\n")
mail("typed-folded", "Content-Type: text/plain\nContent-Description: one\n two\n\tthree\n"
     "Content-Location: http://example.test/\n a/\n b\n"
     "Content-ID:\n <x>\n\nbody\n")
mail("typed-8-bit", "Content-Type: text/plain\nContent-Description: Grüße\nContent-ID: <ü>\n"
     "Content-Location: ü\nContent-MD5: ü\nContent-Language: ü\n\nbody\n")

# Multiparts

TWO = "--b\nContent-Type: text/plain\n\none\n--b\nContent-Type: text/html\n\n" \
    "<b>two</b>\n--b--\n"
mime("mixed", TWO)
mime("mixed-crlf", TWO.replace("\n", "\r\n"))
mime("preamble", "This is MIME.\n\n" + TWO)
mime("epilogue", TWO + "\nThis was MIME.\n")
mime("preamble-epilogue", "before\n" + TWO + "after")
mime("no-headers-in-parts", "--b\n\none\n--b\n\ntwo\n--b--\n")
mime("no-blank-line-in-parts", "--b\none\n--b\ntwo\n--b--\n")
mime("part-header-only", "--b\nContent-Type: text/html\n--b\n"
     "Content-Type: image/png\n\n--b--\n")
mime("no-end", "--b\n\none\n--b\n\ntwo\n")
mime("no-end-no-newline", "--b\n\none\n--b\n\ntwo")
mime("no-boundary-at-all", "no boundary\nhere\n")
mime("empty-body", "")
mime("end-only", "--b--\n")
mime("begin-only", "--b\n")
mime("begin-only-no-newline", "--b")
mime("begin-end", "--b\n--b--\n")
mime("begin-blank-end", "--b\n\n--b--\n")
mime("begin-blank-blank-end", "--b\n\n\n--b--\n")
mime("begin-at-end", "--b\n\none\n--b\n")
mime("begin-at-end-no-newline", "--b\n\none\n--b")
mime("begin-at-end-blank", "--b\n\none\n--b\n\n")
mime("dashes-as-header", "--b\n-----END\nsigned\n--b\n"
     "Content-Type: text/html\n\nx\n--b--\n")
mime("empty-parts", "--b\n--b\n--b\n--b--\n")
mime("end-twice", "--b\n\none\n--b--\n--b--\n")
mime("begin-after-end", "--b\n\none\n--b--\n--b\n\ntwo\n--b--\n")
mime("end-no-newline", "--b\n\none\n--b--")
mime("boundary-blanks-behind", "--b  \t\n\none\n--b \n\ntwo\n--b-- \n")
mime("boundary-text-behind", "--b x\n\none\n--bx\n\ntwo\n--b--x\n")
mime("boundary-blanks-before", " --b\n\none\n--b\n\ntwo\n--b--\n")
mime("boundary-case", "--B\n\none\n--b\n\ntwo\n--b--\n")
mime("boundary-one-dash", "-b\n\none\n--b\n\ntwo\n--b-\n")
mime("boundary-three-dashes", "---b\n\none\n--b\n\ntwo\n--b---\n")
mime("boundary-in-line", "--b\n\none --b\n--b\n\ntwo\n--b--\n")
mime("boundary-quoted", "--b c\n\none\n--b c--\n",
     'multipart/mixed; boundary="b c"')
mime("boundary-quoted-pair", '--b"c\n\none\n--b"c--\n',
     'multipart/mixed; boundary="b\\"c"')
mime("boundary-dashes", "----\n\none\n------\n",
     'multipart/mixed; boundary="--"')
mime("boundary-ends-in-dashes", "--b--\n\none\n--b----\n",
     'multipart/mixed; boundary="b--"')
mime("boundary-long", "--%s\n\none\n--%s--\n" % ("x" * 150, "x" * 150),
     "multipart/mixed; boundary=" + "x" * 150)
mime("boundary-too-long", "--%s\n\none\n--%s--\n" % ("x" * 3000, "x" * 3000),
     "multipart/mixed; boundary=" + "x" * 3000)
mime("boundary-2231", "--bcd\n\none\n--bcd--\n",
     "multipart/mixed; boundary*0=b; boundary*1=cd")
mime("boundary-unquoted-special", "--a=b?c:d/e\n\none\n--a=b?c:d/e--\n",
     "multipart/mixed; boundary=a=b?c:d/e")
mime("boundary-twice", "--b\n\none\n--c\n\ntwo\n--b--\n--c--\n",
     "multipart/mixed; boundary=b; boundary=c")
mime("boundary-8-bit", "--bü\n\none\n--bü--\n",
     'multipart/mixed; boundary="bü"')
mime("boundary-comment", "--b\n\none\n--b--\n",
     "multipart/mixed (c); (d) boundary (e) = (f) b (g)")
mime("boundary-trailing-blank", "--b\n\none\n--b--\n",
     'multipart/mixed; boundary="b "')
mime("boundary-cr", "--b\r\r\n\none\n--b--\r\n")
mime("alternative", TWO, "multipart/alternative; boundary=b")
mime("unknown-subtype", TWO, "multipart/x-foo; boundary=b")
mime("multipart-encoded", base64.b64encode(TWO.encode()).decode() + "\n",
     "multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64")
mime("multipart-fields", TWO, "multipart/related; boundary=b; type=x; "
     "start=\"<y>\"\nContent-ID: <z>\nContent-Description: d\n"
     "Content-Disposition: inline\nContent-Language: de\n"
     "Content-Location: here\nContent-MD5: x")
mime("nested", "--b\nContent-Type: multipart/alternative; boundary=c\n\n"
     "--c\n\none\n--c\n\ntwo\n--c--\n--b\n\nthree\n--b--\n")
mime("nested-no-end", "--b\nContent-Type: multipart/alternative; boundary=c\n\n"
     "--c\n\none\n--c\n\ntwo\n--b\n\nthree\n--b--\n")
mime("nested-epilogues", "p\n--b\nContent-Type: multipart/alternative; "
     "boundary=c\n\nq\n--c\n\none\n--c--\nr\ns\n--b\n\nthree\n--b--\nt\n")
mime("nested-same-boundary", "--b\nContent-Type: multipart/mixed; boundary=b\n"
     "\n--b\n\none\n--b--\n--b\n\ntwo\n--b--\n")
mime("nested-prefix", "--b\nContent-Type: multipart/mixed; boundary=bb\n\n"
     "--bb\n\none\n--bb--\n--b\n\ntwo\n--b--\n")
mime("nested-prefix-outer", "--bb\nContent-Type: multipart/mixed; boundary=b\n"
     "\n--b\n\none\n--bb\n\ntwo\n--b--\n--bb--\n",
     "multipart/mixed; boundary=bb")
mime("nested-prefix-dashes", "--b\nContent-Type: multipart/mixed; "
     'boundary="b--"\n\n--b--\n\none\n--b----\n--b\n\ntwo\n--b--\n')
mime("nested-outer-end-first", "--b\nContent-Type: multipart/mixed; "
     "boundary=c\n\n--c\n\none\n--b--\n--c\n\ntwo\n--c--\n")
mime("nested-no-parts", "--b\nContent-Type: multipart/mixed; boundary=c\n\n"
     "nothing\n--b\n\ntwo\n--b--\n")
mime("nested-empty", "--b\nContent-Type: multipart/mixed; boundary=c\n\n"
     "--b\nContent-Type: multipart/mixed; boundary=c\n--b--\n")
mime("nested-no-boundary", "--b\nContent-Type: multipart/mixed\n\n--c\n\nx\n"
     "--b--\n")


def deep(n, end=True):
    text, tail = "", ""
    for i in range(n):
        text += "--b%d.\nContent-Type: multipart/mixed; boundary=\"b%d.\"\n\n" \
            % (i, i + 1)
        tail = "--b%d.--\n" % i + tail
    return text + "--b%d.\n\nleaf\n--b%d.--\n" % (n, n) + (tail if end else "")


mime("deep-20", deep(20), 'multipart/mixed; boundary="b0."')
mime("deep-20-no-end", deep(20, False), 'multipart/mixed; boundary="b0."')
mime("deep-98", deep(97), 'multipart/mixed; boundary="b0."')
mime("deep-500", deep(500), 'multipart/mixed; boundary="b0."')
mime("many-parts", "--b\n\nx\n" * 500 + "--b--\n")
mime("many-parts-20000", "--b\n\nx\n" * 20000 + "--b--\n")
mime("many-empty-parts", "--b\n" * 500 + "--b--\n")
mime("digest", "--b\n\nSubject: one\n\nbody\n--b\n\nSubject: two\n\nbody\n"
     "--b--\n", "multipart/digest; boundary=b")
mime("digest-typed", "--b\nContent-Type: text/plain\n\ntext\n--b\n"
     "Content-Type: message/rfc822\n\nSubject: two\n\nbody\n--b--\n",
     "multipart/digest; boundary=b")
mime("digest-bad-type", "--b\nContent-Type: nonsense\n\ntext\n--b--\n",
     "multipart/digest; boundary=b")
mime("digest-other-fields", "--b\nContent-Description: x\n\nSubject: y\n\nz\n"
     "--b--\n", "multipart/digest; boundary=b")
mime("digest-empty", "--b\n\n--b\n--b--\n", "multipart/digest; boundary=b")
INNER = "Subject: inner\nFrom: c@d\n\ninner body\nmore\n"
mime("message", INNER, "message/rfc822")
mime("message-in-mixed", "--b\nContent-Type: message/rfc822\n\n" + INNER +
     "--b--\n")
mime("message-blank-lines", "--b\nContent-Type: message/rfc822\n\n\n\n" + INNER +
     "--b--\n")
mime("message-in-message", "Content-Type: message/rfc822\nSubject: middle\n\n" +
     INNER, "message/rfc822")
mime("message-mixed", "Content-Type: multipart/mixed; boundary=c\n"
     "Subject: middle\n\n" + TWO.replace("--b", "--c"), "message/rfc822")
mime("message-mixed-no-end", "--b\nContent-Type: message/rfc822\n\n"
     "Content-Type: multipart/mixed; boundary=c\nSubject: middle\n\n"
     "--c\n\none\n--b\n\ntwo\n--b--\n")
mime("message-header-only", "--b\nContent-Type: message/rfc822\n\n"
     "Subject: inner\n--b--\n")
mime("message-header-blank", "--b\nContent-Type: message/rfc822\n\n"
     "Subject: inner\n\n--b--\n")
mime("message-empty", "--b\nContent-Type: message/rfc822\n\n--b--\n")
mime("message-no-body", "--b\nContent-Type: message/rfc822\n--b--\n")
mime("message-nothing", "", "message/rfc822")
mime("message-base64", base64.b64encode(INNER.encode()).decode() + "\n",
     "message/rfc822\nContent-Transfer-Encoding: base64")
mime("message-global", "Subject: Grüße\nFrom: ü@ö\n\ninner\n",
     "message/global")
mime("message-news", INNER, "message/news")
mime("message-case", INNER, "Message/RFC822; x=y")
mime("message-same-boundary", "--b\nContent-Type: message/rfc822\n\n"
     "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n"
     "--b\n\ntwo\n--b--\n")
mime("message-deep-20", "Content-Type: message/rfc822\n\n" * 20 + INNER,
     "message/rfc822")
mime("message-deep-150", "Content-Type: message/rfc822\n\n" * 150 + INNER,
     "message/rfc822")
mime("message-deep-3000", "Content-Type: message/rfc822\n\n" * 3000 + INNER,
     "message/rfc822")
mime("report", "--b\n\nIt failed.\n--b\nContent-Type: message/delivery-status\n"
     "\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@b\n--b\n"
     "Content-Type: text/rfc822-headers\n\nSubject: x\n--b--\n",
     "multipart/report; report-type=delivery-status; boundary=b")
mime("apple-double", "--b\nContent-Type: application/applefile\n"
     "Content-Transfer-Encoding: base64\n\nAAUWBw==\n--b\n"
     "Content-Type: image/png; name=x\n\nx\n--b--\n",
     "multipart/appledouble; boundary=b")
mime("signed", "--b\n\nsigned\n--b\nContent-Type: application/pgp-signature; "
     "name=\"x.asc\"\nContent-Description: signature\n\n-----BEGIN\nx\n-----END\n"
     "--b--\n", 'multipart/signed; micalg="pgp-sha1"; protocol="application/'
     'pgp-signature"; boundary="b"')
mime("dashes-in-text", "--b\n\n-- \nsignature\n--\n---\n-----\n--bx\n--b--\n")
mime("part-type-empty", "--b\nContent-Type:\n\none\n--b\nContent-Type: ;\n\n"
     "two\n--b--\n")
mime("part-fields-bad", "--b\nnot a field\nContent-Type: text/html\n\none\n"
     "--b\n folded\nContent-Type: text/html\n\ntwo\n--b--\n")
mime("part-type-twice", "--b\nContent-Type: text/html\nContent-Type: image/png\n"
     "\none\n--b--\n")
mime("part-boundary-own", "--b\nContent-Type: multipart/mixed; boundary=c\n"
     "--c\n\none\n--c--\n--b--\n")
mime("nul-in-body", "--b\n\no\0ne\n--b\0\n\ntwo\n--b--\n")
mime("cr-in-body", "--b\n\none\rtwo\r--b\r\n--b\n\nthree\n--b--\n")
mime("real", """This is a multi-part message in MIME format.
--b
Content-Type: multipart/alternative;
\tboundary="----=_NextPart_001_0001_01DA.ABCDEF"

------=_NextPart_001_0001_01DA.ABCDEF
Content-Type: text/plain;
\tcharset="utf-8"
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe aus K=C3=B6ln, =
und mehr.
> quoted
------=_NextPart_001_0001_01DA.ABCDEF
Content-Type: text/html;
\tcharset="utf-8"
Content-Transfer-Encoding: quoted-printable

<html><body><p>Gr=C3=BC=C3=9Fe</p></body></html>
------=_NextPart_001_0001_01DA.ABCDEF--

--b
Content-Type: application/pdf;
\tname="a b.pdf"
Content-Transfer-Encoding: base64
Content-Disposition: attachment;
\tfilename="a b.pdf"
Content-ID: <id@example.test>

JVBERi0xLjQK

--b--
""")

# Previews

def preview(name, text, kind="text/plain; charset=utf-8", encoding="8bit"):
    if isinstance(text, str):
        text = text.encode()
    mail("preview-" + name, b"Subject: x\nContent-Type: " + kind.encode() +
         b"\nContent-Transfer-Encoding: " + encoding.encode() + b"\n\n" + text)


preview("short", "short")
preview("blanks", "  one \t two\n\n\nthree\n  ")
preview("long", "word " * 200)
preview("no-blanks", "x" * 1000)
preview("umlauts", "ü" * 1000)
preview("latin-1", b"Gr\xfc\xdfe\n", "text/plain; charset=iso-8859-1")
preview("windows", b"\x93Gr\xfc\xdfe\x94\n", "text/plain; charset=windows-1252")
preview("2022-jp", "日本語テキスト\n".encode("iso-2022-jp"),
        "text/plain; charset=iso-2022-jp")
preview("bad-utf-8", b"a\xff\xfeb\xc3\n")
preview("unknown", b"a\x80b\n", "text/plain; charset=nonsense")
preview("no-charset", b"a\xfcb\n", "text/plain")
preview("qp", "Gr=C3=BC=C3=9Fe =\naus K=C3=B6ln=\n", encoding="quoted-printable")
preview("qp-bad", "a=b =ZZ = =\n=", encoding="quoted-printable")
preview("base64", base64.b64encode("Grüße aus Köln\n".encode()) + b"\n",
        encoding="base64")
preview("base64-bad", "R3L!DvMO*f\n\n ZSBh=dXM=\n\nR3I=x", encoding="base64")
preview("encoding-unknown", "text\n", encoding="x-foo")
preview("html", "<html><head><title>t</title><style>p {}</style></head>\n"
        "<body><p>one <b>two</b></p>&lt;three&gt; &amp; &nbsp;four&#228;&#x20ac;"
        "<br>five<script>alert(1)</script></body></html>\n",
        "text/html; charset=utf-8")
preview("html-comment", "<!-- no -->yes<!-- open ", "text/html")
preview("html-bad", "a < b <p c & d &unknown; &# &#x; <", "text/html")
preview("html-blanks", "<div>\n  <p>one</p>\n  <p>two</p>\n</div>", "text/html")
preview("html-quote", "<blockquote>quoted</blockquote>answer", "text/html")
preview("quoted", "On Monday, Anna wrote:\n> one\n> two\n\nanswer\n> more\n")
preview("quoted-only", "> one\n> two\n")
preview("quoted-first", "> one\nanswer\n")
preview("nothing", "")
preview("blank", " \n\t\n \n")
preview("nul", b"a\0b\n")
preview("controls", b"a\x01\x1b[1mb\x7f\n")
preview("image", "x", "image/png")
preview("nbsp", "a\u00a0\u00a0b\u2003c\u200bd\n")
preview("attachment-first", "--b\nContent-Type: image/png\n\nx\n--b\n\ntext\n"
        "--b--\n", "multipart/mixed; boundary=b")
preview("alternative", "--b\nContent-Type: text/html\n\n<p>html</p>\n--b\n\n"
        "plain\n--b--\n", "multipart/alternative; boundary=b")
preview("alternative-plain", "--b\n\nplain\n--b\nContent-Type: text/html\n\n"
        "<p>html</p>\n--b--\n", "multipart/alternative; boundary=b")
preview("alternative-empty", "--b\n\n\n--b\nContent-Type: text/html\n\n"
        "<p>html</p>\n--b--\n", "multipart/alternative; boundary=b")
preview("text-attachment", "--b\nContent-Disposition: attachment\n\nno\n--b\n\n"
        "yes\n--b--\n", "multipart/mixed; boundary=b")
preview("message", "Subject: y\n\ninner\n", "message/rfc822")
preview("message-second", "--b\nContent-Type: message/rfc822\n\nSubject: y\n\n"
        "inner\n--b\n\ntext\n--b--\n", "multipart/mixed; boundary=b")
preview("calendar", "BEGIN:VCALENDAR\n", "text/calendar")
preview("enriched", "<bold>x</bold>", "text/enriched")


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, text in MAIL.items():
        with open(os.path.join(sys.argv[1], name + ".eml"), "wb") as f:
            f.write(text)


if __name__ == "__main__":
    main()
