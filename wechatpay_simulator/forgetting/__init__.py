"""What ends the growth of a simulator that runs for long."""
