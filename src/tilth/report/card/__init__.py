"""The dataset card: README.md with the Hub's header, filled from the run's facts; what only people know stands between marks."""
