"""A user's chat history and chat memory, and the operations of the chat function."""
