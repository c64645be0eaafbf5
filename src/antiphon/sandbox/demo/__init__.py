"""The demo's director: what a marketer would do in the console, done by the public HTTP API.

`opening` sets the stage once (customers, consents, sender, segment, template), `turn` runs one campaign to its end, `tally`
adds up what came of it. Owns the file `demo.json` in the data folder.
"""

from antiphon.sandbox.demo.api import Api, ApiRefused
from antiphon.sandbox.demo.notes import Notes
from antiphon.sandbox.demo.tally import Tally

__all__ = ["Api", "ApiRefused", "Notes", "Tally"]
