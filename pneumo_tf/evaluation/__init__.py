"""From predictions to metrics and their intervals."""
