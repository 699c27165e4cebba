"""The client's side of SCRAM-SHA-256, for tests; each part can be made wrong.

As a program: scram.py pop3|smtp|imap MECHANISM USER PASSWORD [NAME=VALUE ...] --
PROGRAM ... logs in over pipes, and prints the last reply. MECHANISM may be any;
others than SCRAM answer each challenge with the next of text=BASE64 ...
"""
import base64
import hashlib
import hmac
import os
import subprocess
import sys


def H(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


class Client:
    def __init__(self, user, password, gs2="n,,", channel=b"", nonce=None,
                 extension=""):
        self.password = password.encode()
        self.gs2, self.channel = gs2, channel
        self.nonce = nonce or base64.b64encode(os.urandom(18)).decode()
        user = user.replace("=", "=3D").replace(",", "=2C")
        self.bare = f"n={user},r={self.nonce}{extension}"

    def first(self):
        return self.gs2 + self.bare

    def final(self, challenge, spoil="", salt=None):
        parts = dict(p.split("=", 1) for p in challenge.split(","))
        assert parts["r"].startswith(self.nonce), challenge
        assert len(parts["r"]) >= len(self.nonce) + 24
        nonce = parts["r"] if spoil != "nonce" else parts["r"] + "x"
        c = base64.b64encode(self.gs2.encode() + self.channel).decode()
        without = f"c={c},r={nonce}"
        salted = hashlib.pbkdf2_hmac("sha256", self.password,
            base64.b64decode(salt or parts["s"]), int(parts["i"]))
        key = H(salted, b"Client Key")
        self.message = f"{self.bare},{challenge},{without}".encode()
        self.server_key = H(salted, b"Server Key")
        sig = H(hashlib.sha256(key).digest(), self.message)
        proof = bytearray(a ^ b for a, b in zip(key, sig))
        if spoil == "proof":
            proof[0] ^= 1
        return f"{without},p={base64.b64encode(proof).decode()}"

    def is_server(self, text):
        return text == "v=" + base64.b64encode(
            H(self.server_key, self.message)).decode()


class Peer:
    """A server on pipes, or whatever has read and write of lines."""

    def __init__(self, argv):
        self.p = subprocess.Popen(argv, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)

    def line(self):
        return self.p.stdout.readline().decode().rstrip("\r\n")

    def say(self, text):
        self.p.stdin.write(text.encode() + b"\r\n")
        self.p.stdin.flush()


def greeted(peer, protocol):
    peer.line()
    if protocol == "smtp":
        peer.say("EHLO client.example.net")
        while peer.line()[3] == "-":
            pass


def login(peer, protocol, mechanism, client, spoil="", initial=True,
          texts=()):
    """The last reply, and whether the server has shown that it knows us."""
    go = "334 " if protocol == "smtp" else "+ "
    auth = "a AUTHENTICATE" if protocol == "imap" else "AUTH"
    texts = list(texts)
    said, known = None, False
    if mechanism.upper().startswith("SCRAM"):
        said = base64.b64encode(client.first().encode()).decode()
    elif texts and initial:
        said = texts.pop(0)
    if initial and said is not None:
        peer.say(f"{auth} {mechanism} {said}")
    else:
        peer.say(f"{auth} {mechanism}")
        if said is not None:
            assert peer.line() == go
            peer.say(said)
    while True:
        reply = peer.line()
        if not reply.startswith(go):
            return reply, known
        if texts or not mechanism.upper().startswith("SCRAM"):
            peer.say(texts.pop(0) if texts else "*")
            continue
        text = base64.b64decode(reply[len(go):]).decode()
        if text.startswith("r="):
            peer.say(base64.b64encode(
                client.final(text, spoil).encode()).decode())
        else:
            known = client.is_server(text)
            peer.say("")


def main():
    at = sys.argv.index("--")
    protocol, mechanism, user, password = sys.argv[1:5]
    options = [a.split("=", 1) for a in sys.argv[5:at]]
    texts = [v for n, v in options if n == "text"]
    named = dict(o for o in options if o[0] != "text")
    peer = Peer(sys.argv[at + 1:])
    greeted(peer, protocol)
    client = Client(user, password, named.get("gs2", "n,,"),
                    named.get("channel", "").encode(), named.get("nonce"),
                    named.get("extension", ""))
    reply, known = login(peer, protocol, mechanism, client,
                         named.get("spoil", ""), "later" not in named, texts)
    print(reply + (" (server known)" if known else ""))
    try:
        peer.say("b LOGOUT" if protocol == "imap" else "QUIT")
        if "session" in named:
            print(peer.line())
        peer.p.stdin.close()
    except BrokenPipeError:
        pass
    peer.p.wait(60)


if __name__ == "__main__":
    main()
