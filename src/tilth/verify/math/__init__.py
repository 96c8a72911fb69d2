"""Mathematical answers: found in a text by a declared convention, and compared in a process that can be killed."""

from .extract import CONVENTIONS, Extracted, extract, gold_answer
from .ladder import Compared, Rules, compare
from .verifier import Math

__all__ = ["CONVENTIONS", "Compared", "Extracted", "Math", "Rules", "compare", "extract", "gold_answer"]
