"""What is generated from docs/openapi.yaml."""
