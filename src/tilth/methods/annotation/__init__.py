"""Methods that label texts."""
