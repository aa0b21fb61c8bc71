"""The four steps of rotating a secret, over the Data API."""
