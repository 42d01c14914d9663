#!/usr/bin/env python3
"""A client of a manager in Python, for tests/library/manager-python.c: its
standard library, a MessagePack module, and what primitives/README.md says about
the messages."""

import argparse
import errno
import os
import sys

sys.dont_write_bytecode = True
PASSED, WRONG, NOT_HERE = 0, 1, 77

try:
    from multiprocessing.connection import Client
    import msgpack
except ImportError:
    sys.exit(NOT_HERE)


class Manager:
    def __init__(self, address, key):
        self.connection = Client(address, family="AF_UNIX", authkey=key)
        self.last = 0
        self.call(0, "hello", 1)

    def request(self, handle, operation, *args):
        """One request's bytes, and its number."""
        self.last += 1
        values = (self.last, handle, operation, len(args)) + args
        return self.last, b"".join(msgpack.packb(v) for v in values)

    def answers(self):
        """Those in the next message: (number, status, value)."""
        unpacker = msgpack.Unpacker(raw=False, strict_map_key=False)
        unpacker.feed(self.connection.recv_bytes())
        values = list(unpacker)
        return [tuple(values[i:i + 3]) for i in range(0, len(values), 3)]

    def call(self, handle, operation, *args):
        number, request = self.request(handle, operation, *args)
        self.connection.send_bytes(request)
        (answered, status, value), = self.answers()
        assert answered == number
        if status < 0:
            raise OSError(-status, os.strerror(-status))
        return value

    def create(self, kind, *args):
        """Its handle: a reference is extension 1, 8 bytes, big-endian."""
        reference = self.call(0, "create", kind, *args)
        assert reference.code == 1
        return int.from_bytes(reference.data, "big")


def dict_of_ours(m, handle):
    assert m.call(handle, "get", "a") == 1
    assert m.call(handle, "get", "b") == [1, 2.5, {"c": None}]
    assert m.call(handle, "copy") == {"a": 1, "b": [1, 2.5, {"c": None}]}
    m.call(handle, "set", "from python", [1, "two", b"three", {4: [5, None]}])
    m.call(handle, "set", "big", 2**64 - 1)
    m.call(handle, "update", {"a": 2, "d": "x" * 100000})
    assert m.call(handle, "add", "a", 40) == 42
    assert m.call(handle, "get", "d") == "x" * 100000
    assert m.call(handle, "keys") == ["a", "b", "from python", "big", "d"]
    assert m.call(handle, "contains", "e") is False
    try:
        m.call(handle, "get", "e")
    except OSError as e:
        assert e.errno == errno.ENOENT
    else:
        return WRONG
    return PASSED


def errors(m, _):
    made = m.create("list")
    for wrong, request in ((errno.ESTALE, (12345678, "get", 1)),
                           (errno.ENOENT, (0, "create", "thing")),
                           (errno.EOPNOTSUPP, (0, "fly")),
                           (errno.ERANGE, (made, "get", 0)),
                           (errno.EINVAL, (made, "get", "x")),
                           (errno.EINVAL, (made, "get"))):
        try:
            m.call(*request)
        except OSError as e:
            assert e.errno == wrong, (request, e)
        else:
            return WRONG
    assert m.call(made, "append", 5) is None
    return PASSED


def pipelined(m, _):
    made = m.create("list")
    expected, message, answered = {}, b"", {}
    for i in range(100):
        number, request = m.request(made, "append", i)
        expected[number] = None
        message += request
    number, request = m.request(made, "copy")
    expected[number] = list(range(100))
    m.connection.send_bytes(message + request)
    while len(answered) < len(expected):
        for number, status, value in m.answers():
            assert status == 0
            answered[number] = value
    assert answered == expected
    return PASSED


def queue(m, handle):
    number, request = m.request(handle, "get")
    m.connection.send_bytes(request)
    print("ready", flush=True)
    assert m.answers() == [(number, 0, ["hello", 1])]
    m.call(handle, "put", "thanks")
    return PASSED


def lock(m, handle):
    m.call(handle, "acquire")
    print("ready", flush=True)
    m.connection.recv_bytes()
    return WRONG


def main():
    what = {"dict": dict_of_ours, "errors": errors, "pipelined": pipelined,
            "queue": queue, "lock": lock}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["probe", *what],
                        help="probe: only whether this Python has what it takes")
    parser.add_argument("address")
    parser.add_argument("key")
    parser.add_argument("handle", type=int)
    args = parser.parse_args()
    if args.what == "probe":
        return PASSED
    return what[args.what](Manager(args.address, args.key.encode()), args.handle)


if __name__ == "__main__":
    sys.exit(main())
