"""Code that reads and prepares raw examples, and goes into an exported `model.py` as it stands here."""
