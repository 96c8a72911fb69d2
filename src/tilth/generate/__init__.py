"""Patterns that methods are made of: quotas by label now; pools, evolution, dialogue, search to come."""
