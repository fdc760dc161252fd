"""A toy function whose module cannot be loaded."""

import a_module_that_nobody_wrote  # noqa: F401


def lambda_handler(event, context):
    """Never reached."""
