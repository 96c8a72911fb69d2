"""One module per command; each holds a command object of its own name. Thin: parse, call the library, show."""
