"""PostgreSQL 16 servers for local clusters, from the binaries of a Python package."""
