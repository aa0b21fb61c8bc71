"""Programs that use the library as an application does."""
