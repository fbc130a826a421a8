"""The parts of worth.py: data sets and how they are split, who competes, how answers are judged, what is said of it."""
