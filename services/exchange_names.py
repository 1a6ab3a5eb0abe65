"""Every exchange that CCXT knows, with the credentials it asks for: `python -m services.exchange_names` writes them as JSON.

CCXT is read here, in a process that ends at once, and nowhere else: importing it takes seconds and a hundred megabytes.
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
from typing import Any

#: CCXT's words for what a user copies from the exchange's key page, in ours.
_OURS = (("apiKey", "api_key"), ("secret", "api_secret"), ("password", "passphrase"), ("uid", "uid"), ("login", "login"))
_RARE = ("accountId", "twofa", "privateKey", "walletAddress", "token")


def names() -> list[dict[str, Any]]:
    """Id, title and credentials of each, by id. Exchanges that CCXT itself calls an alias of another are left out."""
    ccxt = importlib.import_module("ccxt")
    found = []
    for exchange_id in ccxt.exchanges:
        one = getattr(ccxt, exchange_id)()
        if one.alias:
            continue
        asked = one.requiredCredentials
        fields = [ours for theirs, ours in (*_OURS, *((rare, rare) for rare in _RARE)) if asked.get(theirs)]
        found.append({"name": exchange_id, "title": one.name, "credentials": fields})
    return found


def main() -> None:
    """Write the list."""
    gc.disable()  # all that is read stays until the end: looking through it again and again takes a fifth of the time
    json.dump(names(), sys.stdout)


if __name__ == "__main__":
    main()
