"""Verification: verdicts taken outside whatever wrote a row. The sandbox, and the verifiers that use it or need none."""

from .base import State, Verdict, Verifier

__all__ = ["State", "Verdict", "Verifier"]
