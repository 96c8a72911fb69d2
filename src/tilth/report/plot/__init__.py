"""Static plots as SVG: eight marks, numpy only, each drawn wide and narrow, each with a table of the same numbers.

A mark is a frozen dataclass with its numbers, ``draw(width)`` and ``table()``; `tilth.report.plot.figure.Figure` adds title,
description, caption and how to read it. Colours and patterns come from classes, which the page's style sheet fills in.
"""
