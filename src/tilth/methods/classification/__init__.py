"""Data for classifiers and for reading tasks: texts to a label, pairs of texts, questions."""
