"""What is started by hand: single functions, their samples, the walk, costs, checks of what was built."""
