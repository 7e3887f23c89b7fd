"""What can go wrong with a stored secret. No message holds a secret, a key or a stored form (SEC-34).

SecretError
|-- NoKey        there is no key to store it under (SEC-30)
|-- NotStored    the text is not a stored form, or one of a version or an algorithm that is unknown here
`-- Unopened     it was stored under another key, for another place, or has been changed
"""

from __future__ import annotations


class SecretError(Exception):
    """A secret cannot be stored or read; the message says why, in words for the operator."""


class NoKey(SecretError):
    """No key is set."""


class NotStored(SecretError):
    """Not a stored form that can be read here."""


class Unopened(SecretError):
    """None of the keys opens it: another key, another owner, or tampered with. Which of these cannot be told."""
