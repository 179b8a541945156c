"""Overview: for the operator, whether all is well, what came in, and how the model learns."""

from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.responses import JSONResponse, Response

from myna.i18n import N_
from myna.network import Forbidden, NotFound, Purpose
from myna.web.render import Current, Page, PageRoute

router = APIRouter(route_class=PageRoute, include_in_schema=False, prefix="/overview")
Field = Annotated[str, Form(max_length=200)]
_SAMPLES = 4


@router.get("")
def overview(page: Current) -> Response:
    """The page."""
    page.oversee()
    return _show(page)


@router.get("/curve.json")
def curve(page: Current) -> Response:
    """The training curve so far, for the plot that asks every two seconds."""
    page.oversee()
    all = page.myna.language.curve()
    points = [
        {"step": point.get("step"), "loss": point.get("loss"), "bits_per_byte": point.get("bits_per_byte")}
        for point in thinned(all)
    ]
    body = {"points": points, "says": says(page, points), "samples": samples(page, all)}
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


@router.post("/key")
def make_key(
    page: Current,
    name: Field,
    purposes: Annotated[list[Purpose], Form()],
    days: Annotated[int, Form(ge=0, le=3650)] = 90,
) -> Response:
    """Makes an API key and shows its secret, this once."""
    _operate(page)
    secret, _ = page.myna.make_key(name, purposes, days)
    return _show(page, secret=secret)


@router.post("/key/revoke")
def revoke_key(page: Current, key: Field) -> Response:
    """Ends an API key."""
    _operate(page)
    page.myna.revoke_key(key)
    return page.go("/overview#keys", N_("The key is revoked."))


@router.post("/password")
def give_password(
    page: Current, handle: Field, password: Annotated[str, Form(max_length=1000)], name: Field = ""
) -> Response:
    """Gives a person a password to sign in with; a person who is not here yet is made."""
    _operate(page)
    try:
        person = page.myna.person(handle)
    except NotFound:
        person = page.myna.sign_up(handle, name, page.locale)
    page.myna.accounts.set_password(person.id, password)
    return page.go("/overview#accounts", N_("@{handle} can sign in now."), handle=person.handle)


def _operate(page: Page) -> None:
    """Raises unless the operator is signed in; in a demo, which is one's own machine, everybody is."""
    page.oversee()
    if not page.may_oversee:
        raise Forbidden("This is the operator's to do.")


def _show(page: Page, secret: str = "") -> Response:
    found = page.myna.overview()
    all = list(found.curve)
    points = thinned(all)
    return page.render(
        "overview.html",
        o=found,
        points=points,
        says=says(page, points),
        samples=samples(page, all),
        keys=page.myna.keys.all(),
        secret=secret,
    )


def thinned(points: list[dict[str, Any]], most: int = 600) -> list[dict[str, Any]]:
    """At most so many points, those with a validation measure and the last always among them."""
    if len(points) <= most:
        return points
    every = -(-len(points) // most)
    last = len(points) - 1
    return [p for place, p in enumerate(points) if place % every == 0 or place == last or p.get("bits_per_byte")]


def samples(page: Page, points: list[dict[str, Any]]) -> list[dict[str, str]]:
    """What the model wrote last while it learned, the newest first: {"step": in the reader's words, "text"}."""
    written = [point for point in points if point.get("sample")][-_SAMPLES:]
    return [
        {
            "step": str(page.words.say(N_("Step {step}"), step=page.words.number(point["step"]))),
            "text": point["sample"].strip(),
        }
        for point in reversed(written)
    ]


def says(page: Page, points: list[dict[str, Any]]) -> str:
    """The curve in a sentence, for those who do not see it."""
    if not points:
        return str(page.words.say(N_("The language model has not been trained yet: run `myna train`.")))
    bits = [point["bits_per_byte"] for point in points if point.get("bits_per_byte")]
    loss = next((point["loss"] for point in reversed(points) if point.get("loss") is not None), None)
    number = page.words.number
    if bits and loss is not None:
        message = N_("Step {step}: loss {loss}, {bits} bits per byte on posts kept aside.")
        return str(
            page.words.say(message, step=number(points[-1]["step"]), loss=number(loss, 3), bits=number(bits[-1], 3))
        )
    return str(
        page.words.say(N_("Step {step}: loss {loss}."), step=number(points[-1]["step"]), loss=number(loss or 0, 3))
    )
