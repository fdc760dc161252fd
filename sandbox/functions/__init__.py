"""AWS Lambda on this machine: processes that run the functions, under Lambda's own runtime client."""
