"""Texts with the facts that they state, for extraction of triples."""
