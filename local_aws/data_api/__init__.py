"""A local RDS Data API that a client cannot tell from that of AWS: PostgreSQL behind it, no Docker, no account."""
