#!/usr/bin/env bats
# 8-bit mail for a host without 8BITMIME: smtp-send makes it quoted-printable.

load helper

setup() {
	home_make
}

converted() { # SEED COUNT
	python3 "$ROOT/tests/convert.py" "$PROGRAMS/smtp-send" "$QUEUE" "$@"
}

@test "converted mail decodes to the same octets, or is refused" {
	converted 1 300
}
