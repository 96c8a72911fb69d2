"""Methods whose teacher is the sandbox: code that was run."""
