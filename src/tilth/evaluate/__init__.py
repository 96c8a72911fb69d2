"""What a dataset is worth: metrics with intervals and references, and utility with its controls.

base        Value, Sets, Metric: what every metric states
stage       Evaluation: the stage of a run; writes metrics.json
metrics/    diversity, likeness to real data, labels, copies
utility/    students trained on real, synthetic and both; usable without a run (`utility.experiment`)
"""
