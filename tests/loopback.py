"""What every client of a test shares: reading the authorities of this machine once for each of them would take half a minute."""

from __future__ import annotations

import ssl

AUTHORITIES = ssl.create_default_context()
