"""Ads: campaigns, the auction for a slot, pacing, click links, and what a campaign caused.

    ads = Ads(directory, reader, log, Records(store, "campaign"), interests.matches, "http://127.0.0.1:8421")
    campaign = ads.create(owner, "Payer Ltd", "Spring", post_id, bid=200_000, budget=50_000_000,
                          starts_at=0, ends_at=now_ms() + 14 * 86_400_000, interests=("gardening",))
    ads.set_status(campaign.id, Status.ACTIVE)
    slot = ads.fill(person_id, posts_nearby)     # Slot | None; the auction is in the decision log
    ads.ingest()                                 # clicks from the links process
    ads.report(campaign.id).lift                 # what it caused, with its interval

Names are imported when first used: the links process (`myna.ads.links`) lives in this package and must start, and go
on, without the database and everything else.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from myna.ads.auction import Outcome, sell
    from myna.ads.measurement import lift
    from myna.ads.service import Ads
    from myna.ads.types import Campaign, Lift, PublicAd, Reach, Report, Slot, Status

_WHERE = {
    "Ads": "service",
    "Campaign": "types",
    "Lift": "types",
    "Outcome": "auction",
    "PublicAd": "types",
    "Reach": "types",
    "Report": "types",
    "Slot": "types",
    "Status": "types",
    "lift": "measurement",
    "sell": "auction",
}

__all__ = ["Ads", "Campaign", "Lift", "Outcome", "PublicAd", "Reach", "Report", "Slot", "Status", "lift", "sell"]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"myna.ads.{_WHERE[name]}"), name)
