"""Toy functions as the deployer would describe them."""

from pathlib import Path

from sandbox.deployed import Function

TOYS = Path(__file__).parent


def toy(code, *, timeout=10, environment=None, layers=()):
    """The toy in this folder."""
    return Function(
        logical_id=code.capitalize(),
        name=f"sandbox-{code}",
        arn=f"arn:aws:lambda:us-east-1:123456789012:function:sandbox-{code}",
        handler="app.lambda_handler",
        code=TOYS / code,
        layers=layers,
        environment=environment or {},
        timeout=timeout,
        memory=256,
        role_arn=f"arn:aws:iam::123456789012:role/{code}",
    )
