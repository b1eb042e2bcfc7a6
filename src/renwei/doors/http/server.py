"""The application that uvicorn runs: every route, and what lies around all of them."""

from __future__ import annotations

from starlette.applications import Starlette

from renwei.app.house import House
from renwei.doors.console import frame
from renwei.doors.http import api, gorse_paths, ingest
from renwei.doors.http.around import around
from renwei.doors.snippet.routes import routes as snippet


def build_app(house: House) -> Starlette:
    """The whole HTTP surface of one workspace.

    Ingest first, because SDKs come most often; then the shopper's script; then the API derived
    from the operations, probes and OpenAPI; then the console, which also answers what nothing
    else did.
    """
    app = Starlette(
        routes=[
            *ingest.routes(house),
            *snippet(),
            *api.routes(house),
            *gorse_paths.routes(house),
            *frame.routes(house),
        ],
        middleware=around(house),
        exception_handlers=frame.faults(house),
    )
    app.state.house = house
    app.state.fault_page = frame.fault_page(house)
    return app
