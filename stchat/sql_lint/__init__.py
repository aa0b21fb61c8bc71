"""What reads sql/ with PostgreSQL's own grammar: at synth and in a shell, never in Lambda."""
