"""`myna ads`: campaigns and their reports."""

from collections.abc import Sequence
from typing import Annotated

import typer

from myna.ads.types import PublicAd, Status
from myna.cli.opening import Database, Home, Json, network
from myna.cli.show import answer, table, when
from myna.network import NotFound, now_ms

app = typer.Typer(help="Campaigns: create, start, pause, report, and the public repository.", no_args_is_help=True)
_DAY = 86_400_000


@app.command()
def create(
    post: Annotated[str, typer.Argument(help="The id of the post to promote.")],
    bid: Annotated[float, typer.Option(min=0.001, help="For a click, in the network's currency.")],
    budget: Annotated[float, typer.Option(min=0.001, help="For the whole campaign.")],
    payer: Annotated[str, typer.Option(help="Who pays; shown with every ad.")],
    home: Home = None,
    database: Database = None,
    name: str = "",
    url: Annotated[str, typer.Option(help="Where a click leads; the post itself without it.")] = "",
    day_budget: Annotated[float, typer.Option("--day-budget", min=0.0)] = 0.0,
    days: Annotated[int, typer.Option(min=1, max=365)] = 14,
    interest: Annotated[list[str] | None, typer.Option(help="A topic of people to reach; as often as needed.")] = None,
    word: Annotated[list[str] | None, typer.Option(help="A word of posts to stand beside.")] = None,
    lang: Annotated[list[str] | None, typer.Option(help="A language of people to reach.")] = None,
    holdout: Annotated[float, typer.Option(min=0.0, max=0.5, help="Share of people who see none of it.")] = 0.1,
    json: Json = False,
) -> None:
    """Makes a campaign, paused."""
    with network(home, database) as myna:
        now = now_ms()
        promoted = myna.store.posts([post])
        if post not in promoted:
            raise NotFound(f"There is no post {post!r} here; `myna search WORDS --json` shows the ids there are.")
        campaign = myna.create_campaign(
            owner_id=promoted[post].author_id,
            payer=payer,
            name=name or f"Campaign of {when(now)}",
            post_id=post,
            url=url,
            bid=round(bid * 1_000_000),
            budget=round(budget * 1_000_000),
            day_budget=round(day_budget * 1_000_000),
            starts_at=now,
            ends_at=now + days * _DAY,
            interests=tuple(interest or ()),
            words=tuple(word or ()),
            langs=tuple(lang or ()),
            holdout=holdout,
        )
        answer(campaign, json, f"Made {campaign.id}, paused. Start it: myna ads start {campaign.id}")


@app.command("list")
def list_(home: Home = None, database: Database = None, json: Json = False) -> None:
    """All campaigns."""
    with network(home, database) as myna:
        found = myna.campaigns()
        if json:
            answer(found, json)
        else:
            table([(c.id, c.name, c.payer, c.status, _money(c.bid), _money(c.budget)) for c in found],
                  "id", "name", "payer", "status", ">bid", ">budget")  # fmt: skip


@app.command()
def start(id: str, home: Home = None, database: Database = None, json: Json = False) -> None:
    """Starts a campaign."""
    _set(id, Status.ACTIVE, home, database, json)


@app.command()
def pause(id: str, home: Home = None, database: Database = None, json: Json = False) -> None:
    """Pauses a campaign."""
    _set(id, Status.PAUSED, home, database, json)


@app.command()
def end(id: str, home: Home = None, database: Database = None, json: Json = False) -> None:
    """Ends a campaign for good."""
    _set(id, Status.ENDED, home, database, json)


def _set(id: str, status: Status, home: Home, database: Database, json: bool) -> None:
    with network(home, database) as myna:
        campaign = myna.set_campaign_status(id, status)
        answer(campaign, json, f"{campaign.id} is {campaign.status}.")


@app.command()
def report(id: str, home: Home = None, database: Database = None, json: Json = False) -> None:
    """What a campaign did and caused."""
    with network(home, database) as myna:
        myna.ads.ingest()
        found = myna.campaign_report(id)
    lift = found.lift
    if lift.enough:
        caused = f"{lift.difference:+.4f} outcomes a person, 95 % interval {lift.low:+.4f} to {lift.high:+.4f}"
    else:
        caused = "too few people yet to say"
    answer(
        found, json,
        f"{found.campaign.name} ({found.campaign.status}), paid by {found.campaign.payer}",
        f"impressions {found.impressions:,} to {found.reach:,} people, clicks {found.clicks:,}, "
        f"not counted {found.filtered_clicks:,}{_why(found.filtered)}, "
        f"spent {_money(found.spend)} of {_money(found.campaign.budget)}",
        f"caused: {caused} ({lift.treated:,} reached, {lift.held_out:,} held out)",
    )  # fmt: skip


@app.command()
def repository(home: Home = None, database: Database = None, json: Json = False) -> None:
    """Every ad that was shown: who paid, when, for whom it was meant, how many saw it."""
    with network(home, database) as myna:
        found = myna.ads.repository()
    if json:
        answer(found, json)
    else:
        table([(ad.campaign_id, ad.subject, ad.payer, when(ad.first_shown), when(ad.last_shown), _aim(ad),
                f"{ad.reach:,}", f"{ad.impressions:,}") for ad in found],
              "id", "subject", "paid by", "first shown", "last shown", "for", ">people", ">impressions")  # fmt: skip


def _aim(ad: PublicAd) -> str:
    """Whom an ad is meant for, in words."""
    return ", ".join((*ad.interests, *ad.words, *ad.langs)) or "everybody"


def _why(filtered: Sequence[tuple[str, int]]) -> str:
    """Why clicks were not counted, in brackets."""
    return f" ({', '.join(f'{count:,} {rule}' for rule, count in filtered)})" if filtered else ""


def _money(micros: int) -> str:
    return f"{micros / 1_000_000:,.2f}"
