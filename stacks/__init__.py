"""What is deployed: one file a stack, settings in config.py."""
