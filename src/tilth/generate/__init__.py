"""Patterns that methods are made of: quotas by label, judge rounds, labelling, depth-first search, tools as data."""
