"""What is kept in AWS, and how: the tables, the secrets, the bucket."""
