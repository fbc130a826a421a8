"""Makes the documentation's site out of the repository: `make docs`. MkDocs calls it through tools/site_hooks.py."""
