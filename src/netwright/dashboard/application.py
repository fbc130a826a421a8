"""The application: every page and every answer, behind the guard."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from netwright.charts import Chart
from netwright.core.errors import CorruptStore, NetwrightError, UserError
from netwright.dashboard import (
    api,
    charts_page,
    compare_page,
    comparison_page,
    control_page,
    drawings_page,
    export_page,
    front_page,
    help_page,
    overview_page,
    report_page,
    resources_page,
    runs_page,
    side_page,
    strategy_page,
    trial_page,
    trials_page,
)
from netwright.dashboard.answers import Answer
from netwright.dashboard.description import describe
from netwright.dashboard.figures import Figures
from netwright.dashboard.guard import Guard
from netwright.dashboard.project import Project, Unknown
from netwright.dashboard.rules import Rules
from netwright.dashboard.site import STATIC, Site
from netwright.dashboard.warming import warm_up
from netwright.version import __version__

LOG = logging.getLogger("netwright.dashboard")
PAGES = (
    *(runs_page, overview_page, trials_page, trial_page, drawings_page, side_page, front_page, charts_page),
    *(strategy_page, resources_page, export_page, report_page, compare_page, comparison_page, help_page),
)
ANSWERS = (trial_page, front_page, charts_page, resources_page, control_page, comparison_page)
_WORDS = {404: "Not found", 405: "Not answered", 422: "Not understood", 503: "The project cannot be read"}


def make_application(
    directory: Path | str, rules: Rules | None = None, *, charts: Mapping[str, Chart] | None = None, warm: bool = False
) -> Guard:
    """The pages on a project directory, as an ASGI application.

    directory: of the project; it need not be there yet.
    rules: who may ask for what; by default this machine, for reading.
    charts: further ones, of the user's own, by the name under which they are asked for.
    warm: read the latest run at once, and import what charts and drawings need while nobody asks for anything.
    """
    site = Site(Project(Path(directory)), rules or Rules(), Figures(charts or {}), warm=warm)
    return Guard(routes_of(site), site.rules, site.traffic)


def routes_of(site: Site) -> FastAPI:
    """Every route of the pages, without the guard."""
    made = FastAPI(
        title="netwright",
        version=__version__,
        description="What a netwright project holds. Read-only unless the server was started with --allow-control.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        default_response_class=Answer,
        lifespan=_closing(site),
        redirect_slashes=False,
    )
    for each in PAGES:
        made.include_router(each.routes(site), include_in_schema=False)
    made.include_router(api.routes(site))
    for each in ANSWERS:
        made.include_router(each.answers(site))
    made.mount("/static", StaticFiles(directory=STATIC), name="static")
    describe(made)
    _handle_problems(made, site)
    return made


def _closing(site: Site) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        if site.warm:
            threading.Thread(target=warm_up, args=(site,), daemon=True).start()
        yield
        site.project.close()

    return lifespan


def _handle_problems(made: FastAPI, site: Site) -> None:
    """Say problems as a page or as JSON, by who asks; details of ours go to the log alone."""

    def say(request: Request, status: int, text: str) -> Response:
        if request.url.path.startswith("/api/"):
            return Answer({"error": text}, status)
        return site.page("problem.html", request, status, title=_WORDS.get(status, "Problem"), text=text)

    @made.exception_handler(Unknown)
    def unknown(request: Request, problem: Unknown) -> Response:
        return say(request, 404, str(problem))

    @made.exception_handler(HTTPException)
    def refused(request: Request, problem: HTTPException) -> Response:
        return say(request, problem.status_code, str(problem.detail))

    @made.exception_handler(RequestValidationError)
    def invalid(request: Request, problem: RequestValidationError) -> Response:
        said = [f"{'.'.join(map(str, each['loc'][1:]))}: {each['msg']}" for each in problem.errors()[:5]]
        return say(request, 422, "; ".join(said))

    @made.exception_handler(UserError)
    def asked_wrongly(request: Request, problem: UserError) -> Response:
        return say(request, 422, str(problem))

    @made.exception_handler(NetwrightError)
    def ours(request: Request, problem: NetwrightError) -> Response:
        number = secrets.token_hex(4)
        LOG.error("error %s: %s", number, problem)
        advice = "; netwright db check says what is wrong with it" if isinstance(problem, CorruptStore) else ""
        return say(request, 503, f"the project cannot be read now (error {number} in the log of the server){advice}")
