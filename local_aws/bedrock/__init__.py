"""Bedrock Runtime's InvokeModel on this machine, for Cohere Embed v3: its requests, limits and errors, and no model."""
