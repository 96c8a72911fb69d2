"""Preferences: answers of several models, compared by a judge, as pairs of a better and a worse one."""
