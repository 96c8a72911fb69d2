"""Students: small classifiers that are trained on data to say what the data is worth, or which rows are wrong.

``tfidf.TfidfLogistic`` (texts; needs the ``ml`` extra) and ``embedding.EmbeddingLogistic`` (vectors; numpy alone) keep the
:class:`tilth.train.student.Student` protocol. Features are computed once and indexed: thousands of fits share one corpus.

Generators whose conditions are learned: ``tunable`` is the seam, ``soft_prompts.SoftPrompts`` tunes them on a frozen model,
``ngram.NgramLM`` (numpy alone) is one, ``llama.Llama`` (the embedded weights, torch) another.
"""
