"""How one variable of a function's environment is read, and what is said of one that is missing or unusable."""

from collections.abc import Mapping

from payments.core.errors import ConfigurationError


class Variables:
    """A function's environment by name. What is read and does not do raises ConfigurationError naming the variable."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def has(self, variable: str) -> bool:
        """Whether the function is given this variable."""
        return bool(self._environment.get(variable))

    def _number(self, name: str) -> int:
        text = self._text(name)
        if not text.isascii() or not text.isdigit() or int(text) < 1:
            raise ConfigurationError(f"{name} must be a whole number from 1")
        return int(text)

    def _bare(self, name: str) -> str:
        """One in which a blank or a line end around it cannot be meant."""
        value = self._text(name).strip()
        if not value:
            raise ConfigurationError(f"the environment variable {name} is missing")
        return value

    def _text(self, name: str) -> str:
        value = self._environment.get(name, "")
        if not value:
            raise ConfigurationError(f"the environment variable {name} is missing")
        return value

    def _list(self, name: str) -> list[str]:
        """The members of a list with commas, without blanks around them; none where the variable is empty."""
        members = map(str.strip, self._environment.get(name, "").split(","))
        return [member for member in members if member]
