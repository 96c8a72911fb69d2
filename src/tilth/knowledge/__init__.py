"""What is known outside models: graphs of facts, drawn from and written as text. No model, no run.

Take what you need from its modules:

    graph     triples, and connected sets of them drawn with even coverage
    linear    triples as one line and back; their order in a text; which names a text leaves out
    closed    the names that a line may hold, and F1 of sets of triples
"""
