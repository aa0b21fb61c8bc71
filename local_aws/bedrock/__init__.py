"""Bedrock Runtime's InvokeModel on the laptop, for Cohere Embed v3: its requests, limits and errors, and no model."""
