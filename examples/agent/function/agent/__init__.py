"""Two agents as one Lambda function, each with its state and its memories in the database of the chat."""
