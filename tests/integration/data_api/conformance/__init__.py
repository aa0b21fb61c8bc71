"""Every rule of the Data API as a row: what is sent, what comes back exactly, and how we know."""
