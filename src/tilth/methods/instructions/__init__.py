"""Data for instruction tuning: tasks, their inputs and their answers."""
