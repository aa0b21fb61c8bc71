"""Building blocks of the stacks: one capability a file, typed keywords in, attributes and grants out."""
