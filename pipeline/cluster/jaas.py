"""One login entry of a JAAS configuration, as ``sasl.jaas.config`` holds it (LINK-72).

    <module class> <flag> (<option>=<value>)* ;

A value may stand in single or double quotes, where a backslash takes the next character as it is. The entry is one
line and ends in a semicolon. Messages never repeat what the entry says, because a password is part of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.cluster.errors import SecurityError

FLAGS = ("required", "requisite", "sufficient", "optional")

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<end>;)
      | (?P<option>[A-Za-z0-9_.-]+)\s*=\s*
            (?:"(?P<double>(?:\\.|[^"\\])*)"|'(?P<single>(?:\\.|[^'\\])*)'|(?P<bare>[^\s;"']+))
      | (?P<word>[A-Za-z0-9_.$]+)(?=[\s;])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Login:
    """A parsed entry: the login module's class name without its package, its flag and its options."""

    module: str
    options: Mapping[str, str] = field(repr=False)
    flag: str = "required"


def parse(text: str, property_name: str = "sasl.jaas.config") -> Login:
    """Parse the one entry in ``text``. Raises SecurityError with ``property_name``."""

    def refused(problem: str) -> SecurityError:
        return SecurityError(property_name, problem)

    line = text.strip()
    if not line:
        raise refused("is required for this sasl.mechanism")
    if "\n" in line or "\r" in line:
        raise refused("must be one line")
    if not line.endswith(";"):
        raise refused("must end in a semicolon")
    words: list[str] = []
    options: dict[str, str] = {}
    at = 0
    while (token := _TOKEN.match(line, at)) is not None:
        at = token.end()
        if token["end"]:
            break
        if token["word"]:
            if options:
                raise refused(f"cannot be read at character {token.start('word') + 1}: expected option=value")
            words.append(token["word"])
        else:
            options[token["option"]] = _value(token)
    else:
        raise refused(f"cannot be read at character {at + 1}: a quote left open, or not option=value")
    if line[at:].strip():
        raise refused("must hold one login module only")
    if len(words) != 2 or words[1].lower() not in FLAGS:
        raise refused(f"must begin with a login module and one of {', '.join(FLAGS)}")
    return Login(module=words[0].rsplit(".", 1)[-1], options=options, flag=words[1].lower())


def _value(token: re.Match[str]) -> str:
    if token["bare"] is not None:
        return token["bare"]
    quoted = token["double"] if token["double"] is not None else token["single"]
    return re.sub(r"\\(.)", r"\1", quoted)
