"""What WeChat Pay tells a merchant by itself, and how it is delivered."""
