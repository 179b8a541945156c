"""GET /metrics: how the service does, for Prometheus, in its text format 0.0.4.

What a scraper is shown tells how many people use what, so it is the operator's: for their key, or for who asks from
this machine. A request that a proxy passed on is not from this machine, whatever its address.
"""

import ipaddress
from collections.abc import Iterable

from anyio import to_thread
from fastapi import FastAPI, Request
from prometheus_client import CollectorRegistry, Counter, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from myna.api.asking import KEY, Network
from myna.app import Myna
from myna.gate import ActorKind
from myna.network import Forbidden, Problem

_TRAINING = {
    "step": "Steps done",
    "steps": "Steps planned",
    "tokens": "Tokens learned from",
    "loss": "Mean loss, nats a token",
    "bits_per_byte": "Bits of surprise a byte of held-out text",
    "tokens_per_second": "Tokens learned from in a second",
    "mfu": "Share of the machine's floating-point operations that are used",
    "peak_memory": "Most memory held by the training process, bytes",
}
"""Fields of the curve's points that are shown, each as it was last measured."""
_PASSED_ON = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
"""Headers by which a proxy tells that it is one."""


def install_metrics(app: FastAPI, myna: Myna) -> None:
    """Adds the route, and counts requests from now on; nothing where MYNA_METRICS is off."""
    if myna.settings.metrics == "off":
        return
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    registry.register(_Model(myna))
    requests = Counter(
        "myna_requests", "Requests answered", ("method", "route", "status"), registry=registry
    )  # myna_requests_total, as the format has it
    app.add_middleware(Counted, requests=requests)

    @app.get("/metrics", include_in_schema=False)
    async def metrics(request: Request, myna: Network) -> Response:
        try:
            await _admit(request, myna)
        except Problem as problem:
            # The path is no API's: it has no error format but the sentence.
            return Response(problem.message + "\n", problem.status, media_type="text/plain")
        text = await to_thread.run_sync(generate_latest, registry)
        return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4, headers={"Cache-Control": "no-store"})


class Counted:
    """ASGI middleware: counts answers by method, the route's pattern (never the path: there are endlessly many) and
    status."""

    def __init__(self, app: ASGIApp, requests: Counter) -> None:
        self.app = app
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on. One that fails before it is answered counts as 500."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._requests.labels(method, _pattern(scope), status).inc()


def _pattern(scope: Scope) -> str:
    """Of the route that answered, with its prefix: which newer FastAPIs keep beside the route, older ones in it."""
    found = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    return getattr(found, "path", "other")


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class _Model(Collector):
    """The language model of a network, and the training run under way: read when asked for, kept nowhere."""

    def __init__(self, myna: Myna) -> None:
        self._myna = myna

    def describe(self) -> Iterable[Metric]:
        """Nothing: the registry would read the home folder to know the names."""
        return []

    def collect(self) -> Iterable[Metric]:
        """The metrics as they are now."""
        language = self._myna.language
        texts = CounterMetricFamily("myna_generated_texts", "Texts that ended, by how", labels=["finish"])
        for finish, count in language.generated.texts.items():
            texts.add_metric([finish], count)
        tokens = CounterMetricFamily("myna_generation_tokens", "Tokens read and written", labels=["kind"])
        for kind, count in language.generated.tokens.items():
            tokens.add_metric([kind], count)
        yield texts
        yield tokens
        yield GaugeMetricFamily("myna_texts_busy", "Texts being written or waiting to be", value=language.busy)
        point = language.under_way()
        yield GaugeMetricFamily("myna_training", "Whether a training run is under way", value=bool(point))
        for field, told in _TRAINING.items():
            if isinstance(value := point.get(field), int | float):
                yield GaugeMetricFamily(f"myna_training_{field}", told, value=value)


async def _admit(request: Request, myna: Myna) -> None:
    credentials = await KEY(request)
    if credentials is not None:
        actor = await to_thread.run_sync(myna.keys.actor, credentials.credentials)
        if actor.kind is not ActorKind.OPERATOR:
            raise Forbidden("This is the operator's: use a key made with `myna key make --operator`.")
    elif myna.settings.metrics == "key" or not _from_here(request):
        raise Problem("This needs the operator's API key: `Authorization: Bearer myna_…`.", 401)


def _from_here(request: Request) -> bool:
    """Whether a request was made on this machine, to this machine: not by a proxy, nor by another site's page whose
    name leads here."""
    if request.client is None or any(name in request.headers for name in _PASSED_ON):
        return False
    return _is_here(request.client.host) and _is_here(request.url.hostname or "")


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
