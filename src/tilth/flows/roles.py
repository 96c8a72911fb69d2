"""The roles that every flow knows."""

from __future__ import annotations

ROLES = ("generator", "judge", "user", "pupil", "embedder")
"""Roles that every flow knows; an unset one falls back to the generator (the embedder to local/minilm)."""
