"""Flows: the declarative file, its validation, what runs it, and the presets that ship with tilth."""
