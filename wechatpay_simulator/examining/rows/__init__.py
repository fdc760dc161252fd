"""What an exam tries: each module a few rows of the checklist."""
