#!/usr/bin/env python3
"""The other side for tests/library/listener-python.c: a client or a listener
that speaks as Python's multiprocessing.connection does."""

import argparse
import hashlib
import hmac
import os
import socket
import struct
import sys

sys.dont_write_bytecode = True
PASSED, WRONG, REFUSED, NOT_HERE = 0, 1, 3, 77

try:
    from multiprocessing import AuthenticationError
    from multiprocessing.connection import Client, Listener
except ImportError:
    sys.exit(NOT_HERE)

MESSAGES = [b"", b"x", b"hello", bytes(range(256)) * 64, b"", os.urandom(3000000)]
CHALLENGE, WELCOME, FAILURE = b"#CHALLENGE#", b"#WELCOME#", b"#FAILURE#"


class Plain:
    """A connection with its frames and challenges written out, so that one
    Python can speak as older ("old", before 3.12) and newer ones do ("new")."""

    def __init__(self, sock, form):
        self.sock, self.form = sock, form

    def send_bytes(self, data):
        self.sock.sendall(struct.pack("!i", len(data)) + data)

    def read(self, n):
        data = self.sock.recv(n, socket.MSG_WAITALL) if n else b""
        if len(data) < n:
            raise EOFError
        return data

    def recv_bytes(self):
        n, = struct.unpack("!i", self.read(4))
        return self.read(n)

    def answer_to(self, message, key):
        if self.form == "old":
            return hmac.new(key, message, "md5").digest()
        if not message.startswith(b"{sha256}"):
            raise AuthenticationError("no digest that is known")
        return b"{sha256}" + hmac.new(key, message, hashlib.sha256).digest()

    def ask(self, key):
        message = os.urandom(20) if self.form == "old" else b"{sha256}" + os.urandom(40)
        self.send_bytes(CHALLENGE + message)
        good = self.recv_bytes() == self.answer_to(message, key)
        self.send_bytes(WELCOME if good else FAILURE)
        if not good:
            raise AuthenticationError("the answer is wrong")

    def answer(self, key):
        message = self.recv_bytes()
        if not message.startswith(CHALLENGE):
            raise AuthenticationError("no challenge")
        self.send_bytes(self.answer_to(message[len(CHALLENGE):], key))
        if self.recv_bytes() != WELCOME:
            raise AuthenticationError("not welcome")

    def close(self):
        self.sock.close()


def place(address):
    if address.startswith("tcp:"):
        _, host, port = address.split(":")
        return host, int(port)
    return "\0" + address[1:] if address.startswith("@") else address


def family(address):
    return "AF_INET" if address.startswith("tcp:") else "AF_UNIX"


def ready(address, there):
    """Clients may come; over TCP, to the port that the kernel chose."""
    if family(address) == "AF_INET":
        address = "tcp:%s:%d" % there
    sys.stdout.write(f"ready {address}\n")  # in one piece
    sys.stdout.flush()


def client(form, address, key):
    if form == "python":
        return Client(place(address), family=family(address), authkey=key)
    sock = socket.socket(getattr(socket, family(address)))
    sock.connect(place(address))
    c = Plain(sock, form)
    c.answer(key)
    c.ask(key)
    return c


def accepted(form, address, key):
    """One client, after "ready" and the address where it may come."""
    if form == "python":
        with Listener(place(address), family=family(address), authkey=key) as listener:
            ready(address, listener.address)
            return listener.accept()
    with socket.socket(getattr(socket, family(address))) as listening:
        listening.bind(place(address))
        listening.listen(1)
        ready(address, listening.getsockname())
        sock, _ = listening.accept()
    if address.startswith("/"):
        os.unlink(address)
    c = Plain(sock, form)
    c.ask(key)
    c.answer(key)
    return c


def ask_for_echoes(c):
    for message in MESSAGES:
        c.send_bytes(message)
        if c.recv_bytes() != message:
            return WRONG
    return PASSED


def echo(c):
    try:
        while True:
            c.send_bytes(c.recv_bytes())
    except EOFError:
        return PASSED


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=["probe", "client", "listener"],
                        help="probe: only whether this Python has what it takes")
    parser.add_argument("form", choices=["python", "old", "new"])
    parser.add_argument("address")
    parser.add_argument("key", nargs="?")
    args = parser.parse_args()
    key = args.key.encode() if args.key else None
    try:
        hashlib.new("md5")
    except ValueError:  # forbidden on this machine
        return NOT_HERE
    if args.side == "probe":
        return PASSED
    try:
        if args.side == "client":
            c = client(args.form, args.address, key)
            result = ask_for_echoes(c)
        else:
            c = accepted(args.form, args.address, key)
            result = echo(c)
    except AuthenticationError:
        return REFUSED
    c.close()
    return result


if __name__ == "__main__":
    sys.exit(main())
