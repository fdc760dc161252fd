"""The pages' files: HTML, styles, scripts and one icon, from the folder static/ and from nowhere else."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.pages.headers import HEADERS, refused

FOLDER = Path(__file__).parent / "static"
TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}


def routes() -> list[BaseRoute]:
    """The three pages, and under /pages/ what they load."""
    return [
        Route("/", _shop),
        Route("/success", _success),
        Route("/phone", _phone),
        Route("/pages/{name}", _asset),
    ]


async def _shop(_: Request) -> Response:
    return _file(FOLDER / "shop.html")


async def _success(_: Request) -> Response:
    return _file(FOLDER / "success.html")


async def _phone(_: Request) -> Response:
    return _file(FOLDER / "phone.html")


async def _asset(request: Request) -> Response:
    wanted = request.path_params["name"]
    for file in FOLDER.iterdir():  # a name is looked up, never joined to a path
        if file.name == wanted and file.suffix in TYPES:
            return _file(file)
    return refused(404, "NOT_FOUND", "There is no such file.")


def _file(file: Path) -> Response:
    return FileResponse(file, media_type=TYPES[file.suffix], headers=HEADERS)
