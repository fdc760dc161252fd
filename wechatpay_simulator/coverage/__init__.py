"""What the simulator knows of WeChat Pay, told by the tables that it goes by."""
