"""API Gateway on this machine: the HTTP API, the WebSocket API, their authorizer and throttles."""
