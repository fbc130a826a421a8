"""Pages on what a project holds: a server that reads the store, and the pages and JSON that it answers with."""
