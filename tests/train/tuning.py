"""A toy for tuned generators: complaints of which each attribute has words of its own, and a model of their corpus."""

from random import Random

from tilth.train.ngram import NgramLM
from tilth.train.soft_prompts import SoftPrompts
from tilth.train.tunable import Decoding, Objective

MARKS = {
    "late": ("late", "delayed", "overdue"),
    "dirty": ("dirty", "stained", "filthy"),
    "dear": ("costly", "pricey", "overpriced"),
}
ABOUT = {"late": "it came too late", "dirty": "it is not clean", "dear": "it costs too much"}
THINGS = ("the train", "my order", "this room", "a flight")
QUICK = Objective(epochs=6)


def complaint(attributes, rng):
    """A text that says each attribute once, or that all was fine."""
    said = [f"{rng.choice(THINGS)} was {rng.choice(('really', 'rather', 'so'))} {rng.choice(MARKS[one])}" for one in attributes]
    return " and ".join(said or [f"{rng.choice(THINGS)} was fine"]) + "."


def complaints(n=60, seed=0):
    """Rows and their conditions: one attribute or two, in turns."""
    rng, names = Random(seed), list(MARKS)
    conditions = [(names[k % 3],) if k % 2 else tuple(sorted((names[k % 3], names[(k + 1) % 3]))) for k in range(n)]
    return [complaint(one, rng) for one in conditions], conditions


def corpus():
    """What the frozen model has read: the complaints, and as many texts without any attribute."""
    rows, _ = complaints()
    return [*rows, *(complaint((), Random(k)) for k in range(40))]


def prompts(mixture="attention", lm=None, **more):
    """Prompts over the toy's model, not yet tuned."""
    return SoftPrompts(lm or NgramLM.of(corpus()), ABOUT, **{"mixture": mixture, "length": 8, "instruction_length": 12, **more})


def tuned(mixture="attention", objective=QUICK, **more):
    """Prompts that have learned the complaints."""
    made = prompts(mixture, **more)
    made.fit(*complaints(), objective)
    return made


def shares(made, condition, n=150, seed=1):
    """How often samples hold a mark of each attribute, and marks of `late` and of `dirty` together."""
    texts = [one.text for one in made.sample(condition, n, Decoding(seed=seed, max_tokens=30))]
    marked = {name: {k for k, text in enumerate(texts) if any(word in text for word in words)} for name, words in MARKS.items()}
    return {name: len(found) / n for name, found in marked.items()} | {"both": len(marked["late"] & marked["dirty"]) / n}
