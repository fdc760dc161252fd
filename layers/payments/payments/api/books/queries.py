"""The parameters of a list's query: those that it knows, each once."""

from urllib.parse import parse_qsl

from payments.api.http import Request
from payments.core.errors import ParameterError


def check_names(request: Request, names: tuple[str, ...]) -> None:
    """Raises ParameterError for a parameter that is not among `names`, and for one that stands twice."""
    for name in request.query:
        if name not in names:  # a filter that is misspelt must not look like one that filters nothing
            raise ParameterError(name[:64], "is not a parameter here")
    seen = set[str]()
    for name, _ in parse_qsl(request.query_text, keep_blank_values=True):
        if (
            name in seen
        ):  # API Gateway joins both by a comma, which an id may have: nobody's orders would be listed
            raise ParameterError(name[:64], "must not stand more than once")
        seen.add(name)
