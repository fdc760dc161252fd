"""What the commands have in common at a console: arguments, signs, and the file that says that a server answers."""
