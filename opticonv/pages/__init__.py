"""Self-contained HTML pages: what they share."""
