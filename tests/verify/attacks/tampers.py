"""10. Wants to be judged right without being right: agreeing objects, the callers' frames, builtins, the channels themselves."""

import builtins
import gc
import json
import os
import sys


class Agrees:
    """Equal to everything, above and below everything, true, and any type that is asked for."""

    __class__ = int

    def __eq__(self, other):
        return True

    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __eq__

    def __hash__(self):
        return 0

    def __bool__(self):
        return True

    def __sub__(self, other):
        return self

    __abs__ = __rsub__ = __add__ = __round__ = lambda self, *_: self


class Seven(int):
    __eq__ = lambda self, other: True
    __hash__ = int.__hash__


def agrees(x):
    return Agrees()


def agrees_as_int(x):
    return Seven(3)


def frames(x):
    """Every list and mapping above is told that the tests passed."""
    frame = sys._getframe()
    while frame:
        for value in list(frame.f_locals.values()):
            if isinstance(value, list):
                value.append("passed")
            if isinstance(value, dict) and value is not frame.f_globals:
                value["status"] = "passed"
        frame = frame.f_back
    return None


def patches(x):
    builtins.AssertionError = type("Harmless", (Exception,), {})
    builtins.__dict__["isinstance"] = lambda *_: True
    builtins.__dict__["__equal__"] = lambda *_: None
    json.dumps = lambda *_: '{"value": 41, "after": {"l": []}}'
    json.JSONEncoder.encode = lambda *_: '{"value": 41, "after": {"l": []}}'
    return None


def forges(x):
    """Lines of the harness's own language on every open descriptor."""
    lines = [{"test": name, "status": "passed"} for name in ("assert_1", "assert_2", "test_it")]
    nonces = {value for thing in gc.get_objects() if isinstance(thing, dict) for value in thing.values() if isinstance(value, str)}
    lines += [{"done": nonce} for nonce in nonces if len(nonce) == 32]
    text = "".join(json.dumps(line) + "\n" for line in lines).encode()
    for descriptor in range(1, 64):
        try:
            os.write(descriptor, text)
        except OSError:
            pass
    os._exit(0)
