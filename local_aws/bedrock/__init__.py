"""Bedrock Runtime on the laptop: InvokeModel for Cohere Embed v3, and Converse; requests, limits and errors, no model."""
