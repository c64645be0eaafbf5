"""Two channels that reach nobody: one like a telephone call, one like a push message. For tests, demonstrations and rehearsals.

Owns no tables. They are registered in the entry-point group ``antiphon.channels.sandbox``, which is looked into only where
the setting ``sandbox`` is on. What was "said" lies in `World`, which also decides what goes wrong and makes signed news.
"""

from antiphon.sandbox.voices.channel import SandboxPush, SandboxVoice
from antiphon.sandbox.voices.settings import VoicesSettings
from antiphon.sandbox.voices.world import WORLD, Fault, Said, World

__all__ = ["WORLD", "Fault", "Said", "SandboxPush", "SandboxVoice", "VoicesSettings", "World"]
