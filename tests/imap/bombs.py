#!/usr/bin/env python3
"""bombs.py DIRECTORY N: messages of which each would cost much if something were
done once too often, their Nth parts in size."""

import os
import sys

H = "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n"


def nested(length):
    """99 boundaries that differ at their ends alone."""
    return "".join('Content-Type: multipart/mixed; boundary="%s%02d"\n\n'
                   "--%s%02d\n" % ("x" * length, i, "x" * length, i)
                   for i in range(99)) + "\n"


BOMBS = {
    "parts": lambda n: H + "--b\n\nx\n" * (1000000 // n),
    "empty-parts": lambda n: H + "--b\n" * (1000000 // n),
    "message-parts": lambda n: H + (
        "--b\nContent-Type: message/rfc822\n\nFrom: " + "a," * 2000 +
        "\n") * (10000 // n),
    "boundaries": lambda n: nested(190) + ("--" + "x" * 190 + "9\n") *
    (200000 // n),
    "boundaries-short": lambda n: nested(30) + ("--" + "x" * 30 + "9\n") *
    (1000000 // n),
    "dashes": lambda n: nested(30) + "--\n" * (10000000 // n),
    "newlines": lambda n: "Subject: x\n\n" + "\n" * (20000000 // n),
    "deep": lambda n: "Content-Type: message/rfc822\n\n" * (1000000 // n),
    "deep-mixed": lambda n: "".join(
        'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (i, i)
        for i in range(500000 // n)),
    "addresses": lambda n: "From: " + "a@b," * (1000000 // n) + "\n\n",
    "address-lines": lambda n: "From: " + "a@b,\n " * (1000000 // n) + "\n\n",
    "address-fields": lambda n: "From: a\n" * (1000000 // n) + "\n\n",
    "groups": lambda n: "From: " + "a:;," * (1000000 // n) + "\n\n",
    "quotes": lambda n: "From: " + '"' * (9999999 // n) + "\n\n",
    "routes": lambda n: "From: <" + "@a," * (3000000 // n) + "\n\n",
    "comments": lambda n: "From: " + "(a)" * (3000000 // n) + "\n\n",
    "phrases": lambda n: "From: " + "a " * (5000000 // n) + "\n\n",
    "encoded-words": lambda n: "Content-Type: text/plain; charset=\"" +
    "=?utf-8?Q?a?= " * (300000 // n) + "\"\n\nx\n",
    "encoded-words-open": lambda n: "Content-Type: text/plain; charset=\"" +
    "=?utf-8?Q?a " * (300000 // n) + "\"\n\nx\n",
    "parameters": lambda n: "Content-Type: multipart/mixed" +
    ";a=b" * (5000000 // n) + "\n\n",
    "parameters-open": lambda n: "Content-Type: multipart/mixed" +
    ';a="' * (5000000 // n) + "\n\n",
    "parameters-2231": lambda n: "Content-Type: multipart/mixed" + "".join(
        ";boundary*%d*=b" % i for i in range(1000000 // n)) + "\n\n",
    "long-name": lambda n: "X" * (40000000 // n) + "\n\n",
    "long-value": lambda n: "Subject: " + "x" * (40000000 // n) + "\n\n",
    "long-types": lambda n: "Content-Type: " + "x" * (20000000 // n) + "/" +
    "y" * (20000000 // n) + "\n\n",
    "folds": lambda n: "Subject: x" + "\n x" * (10000000 // n) + "\n\n",
    "blank-folds": lambda n: "Subject: x" + "\n " * (10000000 // n) + "\n\n",
    "fields": lambda n: "X: y\n" * (5000000 // n) + "\n\n",
    "languages": lambda n: "Content-Type: text/plain\nContent-Language: " +
    "a," * (10000000 // n) + "\n\n",
    "text": lambda n: "Content-Type: text/plain; charset=utf-8\n\n" +
    "text of a line\n" * (2000000 // n),
    "tags": lambda n: "Content-Type: text/html\n\n" + "<a " * (10000000 // n),
    "style-sheets": lambda n: "Content-Type: text/html\n\n" +
    "<style>" * (5000000 // n),
    "html-comments": lambda n: "Content-Type: text/html\n\n" +
    "<!--" * (5000000 // n),
    "entities": lambda n: "Content-Type: text/html\n\n" +
    "&" * (10000000 // n),
    "nuls": lambda n: "Subject: " + "\0" * (40000000 // n) + "\n\n",
}

os.makedirs(sys.argv[1])
for name, make in BOMBS.items():
    with open(os.path.join(sys.argv[1], name), "w") as f:
        f.write(make(int(sys.argv[2])))
