"""Mathematics and reasoning: data whose answers are verified."""
