"""What the GitHub workflows run beside the make targets that people use, and what they may do on AWS."""
