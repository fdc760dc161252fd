"""The whole stack on one machine: AWS, API Gateway, Lambda and WeChat Pay, on loopback only."""
