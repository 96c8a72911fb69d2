"""What synthetic rows add to a student that learns from few real ones, against controls that nobody may leave out.

experiment   `experiment(...)` -> `Table`: thousands of fits on one pool of features
arms         real only, majority, EDA, filters and their random halves: what each student is trained on
table        values, gains, intervals, verdicts
"""
