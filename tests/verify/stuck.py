"""Functions for worker processes that misbehave."""

import os
import time


def hang(payload):
    time.sleep(600)


def spin(payload):
    return sum(1 for _ in iter(int, 1))


def echo(payload):
    print("noise of a library")  # noqa: T201
    return payload


def die(payload):
    os._exit(3)


def fill(payload):
    return len(bytearray(payload))


def fail(payload):
    raise ValueError("no good")


def environment(payload):
    return dict(os.environ)
