"""The sandbox's pages: a shop at `/` that takes its buyers to the checkout, and the buyer's phone at `/phone`."""

from starlette.routing import BaseRoute

from sandbox.pages.files import routes as file_routes
from sandbox.pages.phone import Phone
from sandbox.pages.running import Running
from sandbox.pages.shop import Shop


def routes(sandbox: Running) -> list[BaseRoute]:
    """All routes of the pages, for the API's own port. May be called before `sandbox` is started."""
    return [*file_routes(), *Shop(sandbox).routes(), *Phone(sandbox).routes()]
