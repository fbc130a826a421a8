"""How an exported `model.py` answers, a module a kind of problem; see `Problem.code`."""
