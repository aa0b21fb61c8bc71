"""Migrations: files, ledger, plan, and what runs them."""
