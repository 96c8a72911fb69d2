"""Demonstrations of Self-Instruct's three later prompts, written for Tilth (the authors' own stand in their repository).

Constant, so that a server can keep their beginning in its cache. A user replaces them with the parameter `prompts`.
"""

from __future__ import annotations

_CLASSIFICATION = (
    "Tell whether the customer's message is a complaint or a question.",
    "Sort the headline into one of: politics, sport, business, science.",
    "Is the following statement true or false?",
    "Decide if the two sentences mean the same. Answer same or different.",
    "Rate the film review as positive, mixed or negative.",
    "Name the language in which this sentence is written.",
    "Which of the four options answers the question? Reply with its letter.",
    "Say whether the e-mail is urgent.",
    "Does the paragraph support the claim? Answer supports, contradicts or neither.",
    "Choose the grade level that fits the text: elementary, middle or high school.",
    "Is the number prime? Answer yes or no.",
    "Label the tone of the reply as polite, neutral or rude.",
)
_OTHER = (
    "Write a toast for a colleague who retires next week.",
    "Explain to a child why the sky is blue.",
    "Translate the sentence into Spanish.",
    "Suggest five names for a small bakery.",
    "Summarise the article in two sentences.",
    "Correct the spelling of the following text.",
    "List the ingredients that the recipe needs.",
    "How can I get a coffee stain out of a shirt?",
    "Turn the notes below into a formal letter.",
    "Compute the area of the described room. Show your steps.",
    "Write a Python function that reverses a string.",
    "Give three arguments for and three against school uniforms.",
    "Rewrite the paragraph in simpler words.",
    "Plan a weekend in a city that you choose.",
    "Continue the story with one more paragraph.",
    "Extract all dates from the text.",
    "Write a question that this sentence answers.",
    "Describe the taste of a mango to somebody who never had one.",
    "Make a packing list for a three-day hike.",
)


def _typed() -> str:
    """12 classification tasks and 19 others, mixed: after every second of the first kind come one more of the other."""
    left, right = list(_CLASSIFICATION), list(_OTHER)
    blocks = []
    while left or right:
        for _ in range(2 if len(right) > len(left) else 1):
            if right:
                blocks.append((right.pop(0), "No"))
        if left:
            blocks.append((left.pop(0), "Yes"))
    return "\n\n".join(f"Task: {task}\nIs it classification? {answer}" for task, answer in blocks)


TYPED = _typed()
"""31 tasks, each with Yes or No: 12 are classification, 19 are not, as in the authors' prompt."""

INPUT_FIRST = """\
Task: How can I get a coffee stain out of a shirt?
Output:
- Dab the stain with cold water at once; do not rub.
- Work in a little dish soap and wait ten minutes.
- Rinse, then wash the shirt as usual.

Task: Extract all dates from the text, separated by semicolons.
Example 1
Text: The bridge was begun on 3 May 1897 and opened in June 1902. It was closed on 11 January 1954.
Output: 3 May 1897; June 1902; 11 January 1954
Example 2
Text: She moved to Lyon in 2011 and came back on 1 April 2016.
Output: 2011; 1 April 2016

Task: Convert 12 miles to kilometres.
Output: 12 miles are about 19.3 kilometres.

Task: Rewrite the sentence so that it sounds more polite.
Example 1
Sentence: Send me the report today.
Output: Could you please send me the report today?
Example 2
Sentence: You are late again.
Output: I noticed that you came a little late; is everything all right?
Example 3
Sentence: Your plan will not work.
Output: I see a few difficulties with the plan that we might talk about.

Task: Answer the question from the table.
Example 1
Table:
city | people
Arden | 41,000
Bexley | 12,500
Question: How many people live in both cities together?
Output: 41,000 + 12,500 = 53,500 people.

Task: Write a Python function that returns the vowels of a string.
Output:
def vowels(text):
    return [letter for letter in text if letter.lower() in "aeiou"]

Task: Sort the words from the shortest to the longest.
Example 1
Words: lantern, sea, orchard, boat
Output: sea, boat, lantern, orchard
Example 2
Words: winter, ice, snowfall
Output: ice, winter, snowfall

Task: Write a short note to a neighbour about a noisy party next Saturday.
Output: Dear neighbour, next Saturday we celebrate a birthday and it may get loud until eleven. Please ring if it is too much. Thank you!"""
"""Eight tasks: with several examples, with one, and with none because they need no input."""

OUTPUT_FIRST = """\
Task: Rate the film review as positive, mixed or negative.
Class label: mixed
Review: The actors are wonderful, but the last hour drags.
Class label: negative
Review: I wanted my money back after twenty minutes.
Class label: positive
Review: We left the cinema singing.

Task: Decide if the two sentences mean the same. Answer same or different.
Class label: same
Sentence 1: The shop shuts at six.
Sentence 2: The shop closes at 6 p.m.
Class label: different
Sentence 1: The shop shuts at six.
Sentence 2: The shop opens at six.

Task: Which of the four options answers the question? Reply with its letter.
Class label: B
Question: Which planet is closest to the sun?
A) Venus
B) Mercury
C) Mars
D) Saturn
Class label: D
Question: What do bees collect?
A) Sand
B) Wool
C) Bark
D) Nectar
Class label: A
Question: How many sides has a hexagon?
A) Six
B) Seven
C) Eight
D) Nine

Task: Does the paragraph support the claim? Answer supports or contradicts.
Class label: contradicts
Paragraph: Rainfall in the valley has fallen by a third since 1980, and two of its rivers now run dry in summer.
Claim: The valley has become wetter.
Class label: supports
Paragraph: The library lends 40,000 books a year, twice as many as ten years ago.
Claim: More books are lent than a decade ago.

Task: Say whether the code has a syntax error. Output true or false.
Class label: true
Code:
for n in range(3)
    print(n)
Class label: false
Code:
total = sum([1, 2, 3])

Task: Name the capital of Portugal.
Class label: Lisbon

Task: Sort the message into one or more of: billing, delivery, returns.
Class label: delivery
Message: My parcel was left in the rain.
Class label: billing, returns
Message: I sent the shoes back and was still charged.
Class label: billing
Message: Why is there a fee of three euros on my invoice?"""
"""Seven tasks, the label before its input."""
