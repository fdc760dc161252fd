"""What goes wrong on purpose: answers, signatures, connections."""
