"""Statistics that decide: intervals, tests, agreement, calibration, neighbours, clusters, selection, diversity.

Pure functions over numpy arrays; nothing here knows a model or a run. What holds everywhere:

* ``None`` is *not scored*: it is left out, and a function that has nothing to go by returns None. NaN and infinities
  are mistakes of the caller and raise ValueError. No function returns NaN.
* Randomness is a parameter: ``seed`` is a whole number (or a numpy Generator that the caller goes on using).
* Floats are rounded before they decide (:func:`tilth.stats.arrays.decisive`); ties go to the lower index.
"""
