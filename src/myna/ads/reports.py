"""What advertisers, readers and the public are told of a campaign: all of it sums of the decision log."""

from datetime import UTC, datetime

from myna.ads.ledger import Account
from myna.ads.measurement import lift
from myna.ads.outcomes import with_outcome
from myna.ads.prediction import NANO
from myna.ads.types import Campaign, Lift, PublicAd, Report
from myna.gate import Reader


def report(reader: Reader, campaign: Campaign, account: Account) -> Report:
    """A campaign's figures. The days sum to the totals, the filtered clicks by reason to their total."""
    days = tuple(
        (_date(day), figures.impressions, figures.clicks, figures.spend)
        for day, figures in sorted(account.days.items())
    )
    return Report(
        campaign,
        account.impressions,
        account.clicks,
        account.filtered.total(),
        account.spent,
        sum(not ghost for _, ghost in account.exposed.values()),
        measured(reader, campaign, account),
        days,
        tuple(sorted(account.filtered.items())),
        account.ghosts,
        account.expected / NANO,
    )


def measured(reader: Reader, campaign: Campaign, account: Account) -> Lift:
    """What the campaign caused, by its holdout."""
    outcome = with_outcome(reader, campaign.post_id, {person: at for person, (at, _) in account.exposed.items()})
    treated = {person for person, (_, ghost) in account.exposed.items() if not ghost}
    held_out = account.exposed.keys() - treated
    return lift(len(treated), len(held_out), len(treated & outcome), len(held_out & outcome), campaign.holdout)


def public(campaign: Campaign, account: Account) -> PublicAd | None:
    """The campaign as the public repository tells it; None while it has not been shown."""
    if not account.impressions:
        return None
    return PublicAd(
        campaign.id,
        campaign.post_id,
        campaign.name,
        campaign.owner_id,
        campaign.payer,
        account.first_shown,
        account.last_shown,
        campaign.interests,
        campaign.words,
        campaign.langs,
        sum(not ghost for _, ghost in account.exposed.values()),
        account.impressions,
    )


def _date(day: int) -> str:
    return datetime.fromtimestamp(day / 1000, UTC).date().isoformat()
