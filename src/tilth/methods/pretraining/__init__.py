"""Text for pre-training, made from documents."""
