"""What an operator asks: what a stage costs, how a cluster is, whether a deployment works. No Lambda has it."""
