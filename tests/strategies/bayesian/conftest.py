"""Makes the toy spaces of the other strategies' tests importable here."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
