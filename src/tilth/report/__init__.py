"""What a run's folder says, for people: facts, plots, the one-page report, the dataset card, exports."""
