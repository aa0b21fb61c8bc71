"""What the states of agents share, whatever the framework: whose they are, and values larger than one call."""

from stchat.state.owners import SHARED, database_from_env, owner, seconds_of
from stchat.state.streams import Upload, receive, received, send

__all__ = ["SHARED", "Upload", "database_from_env", "owner", "receive", "received", "seconds_of", "send"]
