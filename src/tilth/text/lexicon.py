"""What small English words do to a meaning: which change it, which do not, which are two spellings of one.

Closed classes only (and a few openings and courtesies of requests). Words outside these lists, and all words of other
languages, are content words: every one of them counts. Nothing here is a thesaurus; "big" and "large" stay two words.
"""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


HARD = _words(
    """
    no not never none nobody nothing nowhere neither nor without cannot hardly except
    half third quarter double triple twice thrice once dozen hundred thousand million billion trillion pair couple
    more less fewer most least greater smaller larger higher lower older younger longer shorter better worse best worst bigger
    biggest smallest largest highest lowest longest shortest oldest youngest heavier lighter faster slower cheaper earlier later
    maximum minimum max min increase decrease before after above below over under
    all some every each any both only always either
    percent dollar cent euro pound yen rupee
    second minute hour day week month year decade century
    millimeter centimeter meter kilometer mile inch foot feet yard mm cm km
    gram kilogram ounce ton kg mg lb oz liter milliliter gallon pint quart cup tablespoon teaspoon ml
    celsius fahrenheit kelvin degree watt volt byte kilobyte megabyte gigabyte kb mb gb hz acre hectare
    true false
    """
)
"""Amounts, negations, comparisons, quantifiers, units: one changed is another meaning, in a text of any length."""

SOFT = _words(
    """
    who whom whose what which when where why how
    i me my mine you your yours he him his she her hers it its we us our ours they them their theirs
    can could may might must shall should will would ought
    and or but if unless until while because although though than
    with from into onto out up down off through between among against toward within during since
    also too again still yet already just enough many much few several first last next previous other another same
    """
)
"""Function words that carry the relation between things; they count as content words do."""

LIGHT = _words(
    """
    is are was were be been being am do does did done have has had having
    of in on at by for to as about that this these those there here then so such
    """
)
"""Function words that may come and go at a small cost."""

ADJUNCTS = _words("in on at after before during for with from when if every by as until since without to about")
"""Words that begin an adjunct."""

FREE = _words("a an the please kindly very really")
"""Words left out altogether."""

COURTESY = _words(
    """
    thanks thank you so much very in advance for your the help time support reply answer attention please cheers best kind warm regards
    sincerely yours let me know if have any questions question hope this helps would be greatly much appreciated appreciate i we it
    looking forward to hearing from response and happy glad can further assistance need more
    """
)
"""A closing made of these words alone, with one of `COURTESY_CORE` in front, says nothing about the task."""

COURTESY_CORE = _words("thanks thank cheers regards sincerely appreciated appreciate forward helps know please help")
COURTESY_FIRST = _words("thanks thank cheers best kind warm regards sincerely hope let i any looking please yours we happy")

WHOLE = _words("is was has does this his its us as yes plus minus less unless always thus bus gas across perhaps")
"""Words whose -s is no ending."""

SPELLINGS = {
    "email": "e-mail", "okay": "ok", "gray": "grey", "program": "programme", "jewelry": "jewellery", "check": "cheque", "tire": "tyre",
    "mom": "mum", "airplane": "aeroplane", "judgment": "judgement", "aging": "ageing", "skeptical": "sceptical", "plow": "plough",
    "traveling": "travelling", "traveled": "travelled", "traveler": "traveller", "canceled": "cancelled", "canceling": "cancelling",
    "modeling": "modelling", "modeled": "modelled", "labeled": "labelled", "labeling": "labelling", "fueled": "fuelled",
    "signaling": "signalling", "marvelous": "marvellous", "counselor": "counsellor", "fulfill": "fulfil", "enroll": "enrol",
    "defense": "defence", "offense": "offence", "license": "licence", "practise": "practice", "catalog": "catalogue", "dialog": "dialogue",
}  # fmt: skip
"""One spelling to its other; both become the first."""

EXPANSIONS = {
    "don't": "do not", "e.g": "for example", "eg": "for example", "i.e": "that is", "etc": "and so on", "et cetera": "and so on",
    "vs": "versus", "tv": "television", "u.s": "united states", "u.s.a": "united states", "usa": "united states", "u.k": "united kingdom",
    "approx": "approximately", "dr": "doctor", "mr": "mister", "mrs": "missus", "st": "saint", "cannot": "can not", "max": "maximum",
    "min": "minimum", "info": "information", "asap": "as soon as possible", "pc": "computer", "dont": "do not", "doesnt": "does not",
    "didnt": "did not", "isnt": "is not", "wont": "will not", "cant": "can not", "wasnt": "was not",
    "hasnt": "has not", "havent": "have not",
    "whats": "what is", "gonna": "going to", "wanna": "want to", "lets": "let us",
}  # fmt: skip

CONFUSABLE = frozenset(
    frozenset(pair.split("/"))
    for pair in _words("""
    country/county through/though trial/trail casual/causal desert/dessert united/untied angel/angle affect/effect accept/except
    adapt/adopt advice/advise moral/morale personal/personnel principal/principle stationary/stationery later/latter loose/lose
    quite/quiet weather/whether where/were there/three expand/expend collision/collusion emigrate/immigrate addition/edition
    compliment/complement device/devise discreet/discrete statue/statute perspective/prospective human/humane conversion/conversation
    continent/contingent commend/command contact/contract proceed/precede imply/apply import/export inter/intra infer/inter
    """)
)
"""Two words, not one word and its misspelling."""

SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
NUMERALS = {word: str(value) for value, word in enumerate(SMALL)} | {word: str(10 * (n + 2)) for n, word in enumerate(TENS)}
ORDINALS = {
    word: f"#{value}"
    for value, word in enumerate(
        ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"), start=1
    )
    if word not in ("second", "third")  # a unit and a fraction too
}  # fmt: skip

OPENING = re.compile(
    r"""^\s*(?:
        (?:question|instruction|task|prompt|input|query|q)\s*:\s+            # a label
      | [-*>•]\s+ | \#{1,6}\s+ | \d{1,3}[.)]\s+                             # a list mark, a heading, a number of a list
      | (?:please|kindly)[\s,]+
      | (?:hi|hello|hey|greetings|good\s+(?:morning|afternoon|evening|day))(?:\s+(?:there|all|everyone))?\s*[,.!:]\s*
      | (?:so|well|ok|okay|um|uh|right|now|basically|actually|alright|sure)\s*,\s+
      | (?:can|could|would|will)\s+you\s+(?:please\s+|kindly\s+)?(?=[a-z])
      | i(?:'d|\s+would)\s+like\s+you\s+to\s+ | i\s+(?:want|need)\s+you\s+to\s+
    )""",
    re.VERBOSE | re.IGNORECASE,
)
"""How a request may begin without saying more."""

CONTRACTED = (
    (re.compile(r"\bcan't\b"), "can not"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"n't\b"), " not"),
    (re.compile(r"\blet's\b"), "let us"),
    (re.compile(r"\b(it|he|she|that|what|where|who|how|there|here|when|why)'s\b"), r"\1 is"),
    (re.compile(r"'m\b"), " am"),
    (re.compile(r"'re\b"), " are"),
    (re.compile(r"'ve\b"), " have"),
    (re.compile(r"'ll\b"), " will"),
    (re.compile(r"\b(i|you|he|she|it|we|they)'d\b"), r"\1 would"),
    (re.compile(r"'s\b"), ""),
)
