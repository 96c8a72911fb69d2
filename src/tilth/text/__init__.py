"""Texts as strings: n-grams, ROUGE-L, near-duplicates, contamination, counts of diversity. No model, no run.

Importing this package imports no numpy; take what you need from its modules:

    ngrams          tokens, word and character n-grams
    rouge           ROUGE-L F1 and the most similar of a pool
    diversity       distinct-n, self-BLEU, compression ratio
    near            near-duplicates that know a changed number from a changed comma
    contamination   texts of a reference set found in other texts
"""
