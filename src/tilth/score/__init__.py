"""Scores: computed once, kept in files, and used by curation, evaluation, methods and review.

``base.Scorer`` is what each of them is, ``rows.Rows`` what it reads:

    rules          refusals, length, language, expressions, values of a column
    duplicates     exact, near and semantic duplicates
    contamination  rows that hold texts of a reference set
    likelihood     how probable a row's label is to a language model
    students       what a small classifier that never saw the row says of its label
    judge          a language model's rating, or its choice of two

Importing this package imports none of them.
"""
