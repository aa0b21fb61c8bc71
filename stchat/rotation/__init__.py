"""The four steps of rotating a secret, over the Data API."""

from stchat.rotation.steps import Rotation

__all__ = ["Rotation"]
