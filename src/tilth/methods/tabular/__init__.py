"""Methods that grow rows of tables."""
