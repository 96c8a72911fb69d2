"""13. Sends what a careless reader would choke on or execute: pickles, deep nesting, endless lines, numbers of a million digits."""

import json
import os
import pickle


class Bomb:
    def __reduce__(self):
        return os.system, ("touch /tmp/unpickled",)


def _send(data):
    for descriptor in range(3, 16):
        try:
            os.write(descriptor, data)
        except OSError:
            pass


def pickled(x):
    _send(pickle.dumps(Bomb()) + b"\n")
    return Bomb()


def nested(x):
    _send(b'{"call": 0, "value": ' + b'{"l": [' * 100_000 + b"]}" * 100_000 + b"}\n")
    deep = []
    for _ in range(10_000):
        deep = [deep]
    return deep


def digits(x):
    _send(b'{"call": 0, "value": ' + b"9" * 1_000_000 + b"}\n")
    return 10**100_000


def endless(x):
    while True:
        for descriptor in range(3, 16):
            try:
                os.write(descriptor, b"x" * 65536)
            except OSError:
                pass


def malformed(x):
    _send(json.dumps({"call": 0, "value": {"l": 5}}).encode() + b"\n")
    return 1
