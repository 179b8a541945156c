"""Accelerators a run can be planned on.

Peaks, memory and links are the makers' data sheets. The achieved matrix product is the best that was measured on the
device (MAMF, Bekman, "Machine Learning Engineering"); for H200 and H800, of which none is given there, that of the
H100, whose chip they have, and for the A100 with 40 GB that of the A100 with 80 GB.
"""

from myna.cluster.types import Device
from myna.network import Problem

_T, _G = 1e12, 1e9

DEVICES = {
    device.name: device
    for device in (
        Device("a100-40", 312 * _T, 271 * _T, 312 * _T, 40 * _G, 1555 * _G, 300 * _G, 25 * _G, 8, 400),
        Device("a100", 312 * _T, 271 * _T, 312 * _T, 80 * _G, 2039 * _G, 300 * _G, 25 * _G, 8, 400),
        Device("h100", 989 * _T, 794 * _T, 1979 * _T, 80 * _G, 3350 * _G, 450 * _G, 50 * _G, 8, 700),
        Device("h200", 989 * _T, 794 * _T, 1979 * _T, 141 * _G, 4800 * _G, 450 * _G, 50 * _G, 8, 700),
        Device("h800", 989 * _T, 794 * _T, 1979 * _T, 80 * _G, 3350 * _G, 200 * _G, 50 * _G, 8, 700),
        Device("b200", 2250 * _T, 1745 * _T, 4500 * _T, 180 * _G, 7700 * _G, 900 * _G, 50 * _G, 8, 1000),
        Device("gb200", 2500 * _T, 1822 * _T, 5000 * _T, 186 * _G, 8000 * _G, 900 * _G, 50 * _G, 72, 1200),
        Device("mi300x", 1307 * _T, 668 * _T, 2615 * _T, 192 * _G, 5300 * _G, 448 * _G, 50 * _G, 8, 750),
    )
}
_ALSO = {"a100-80": "a100", "a100-80gb": "a100", "a100-40gb": "a100-40", "h100-sxm": "h100"}


def device(name: str) -> Device:
    """The device of that name. Raises Problem with those known."""
    plain = name.strip().lower().replace("_", "-").replace(" ", "-")
    plain = _ALSO.get(plain, plain)
    if plain not in DEVICES:
        raise Problem(f"There is no device {name!r} to plan for; there are: {', '.join(sorted(DEVICES))}.", 404)
    return DEVICES[plain]
