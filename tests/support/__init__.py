"""Fakes and helpers of the tests: one of each kind. Nothing here is a test or a fixture."""
