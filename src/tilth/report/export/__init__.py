"""Exports: a run's records in the formats that trainers, hubs and annotation tools read."""
