"""The checks of `make doctor`, `make deploy` and `make secret`: each says what it found, and what to do about it."""
