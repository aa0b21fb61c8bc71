"""Bedrock Runtime on this machine: InvokeModel for Cohere Embed v3, and Converse; requests, limits and errors."""

LOCAL_MODEL = "local.recalled-v1"  # of Converse
