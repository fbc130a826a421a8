"""Tables of known results: reading them, naming their rows, checking them, and arranging them for `Table`."""
