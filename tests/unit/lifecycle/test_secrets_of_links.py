"""The leader and the secrets of its link: kept sealed, moved to a new key, judged in the clear (SEC-30..33)."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from pipeline.control.read_model import Request
from pipeline.control.sealing import Sealing
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.link_commands import create_link, update_link
from pipeline.lifecycle.secret_keeping import SecretKeeping
from pipeline.link.commands import build
from pipeline.link.errors import InvalidProperties
from pipeline.link.models import Link
from pipeline.link.properties import SECRETS
from pipeline.secrets.encoder import Encoder
from pipeline.secrets.stored import is_stored
from tests.unit.lifecycle.rows import LINK, Rows, mirror

JAAS = "org.apache.kafka.common.security.plain.PlainLoginModule required username='alice' password='{}';"
PLAIN = {
    "bootstrap.servers": "there:9092",
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": "PLAIN",
    "sasl.jaas.config": JAAS.format("planted-first"),
}
REQUEST = Request("1", "l", {}, 0, 0, "", None, 1)


def sealing(key: str = "the key", old: str = "") -> Sealing:
    made = Sealing(Encoder(lambda: key, lambda: old, iterations=1_000))
    made.cluster_id = "own"
    return made


def sealed_link(made: Sealing) -> Link:
    return replace(LINK, configs=made.seal("l", PLAIN, SECRETS))


async def ask(context: Context, kind: str, arguments: dict[str, Any]) -> Decision:
    decision = Decision(context.model, "l")
    handler = {"link.create": create_link, "link.update": update_link}[kind]
    command = context.sealing.seal_command(build(kind, "l", arguments, "1"))
    await handler(context, command, REQUEST, decision)
    return decision


def written(decision: Decision) -> Link:
    (change,) = decision.outcome("w").changes
    assert change.row is not None and "planted" not in json.dumps(change.to_json())
    return Link.from_json(change.row)


def pairs(configs: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in configs.items()]


async def test_a_new_link_keeps_its_secrets_sealed() -> None:
    """LINK-11, SEC-30."""
    context = Rows(None).context(sealing=sealing())
    link = written(await ask(context, "link.create", {"configs": pairs(PLAIN), "validate_link": False}))
    assert is_stored(link.configs["sasl.jaas.config"]) and link.configs["sasl.mechanism"] == "PLAIN"
    assert context.properties_of(link) == PLAIN
    assert context.security_of(link) is context.security_of(link), "so that nothing is connected anew for nothing"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"sasl.jaas.config": JAAS.format("planted") + "x"}, "must end in ';'"),
        ({"sasl.jaas.config": JAAS.format("planted").replace("password=", "passwort=")}, "has no password"),
        ({"sasl.jaas.config": JAAS.format("planted").replace("plain.Plain", "x.Krb5")}, "takes PlainLoginModule"),
        ({"sasl.mechanism": "OAUTHBEARER"}, "OAUTHBEARER takes OAuthBearerLoginModule"),
    ],
)
async def test_secrets_are_judged_in_the_clear(change: dict[str, str], problem: str) -> None:
    """LINK-72: by name, together with the other properties; nothing of a secret is told."""
    made = sealing()
    rows = Rows(sealed_link(made))
    for kind, arguments in (
        ("link.create", {"configs": pairs({**PLAIN, **change}), "validate_link": False}),
        ("link.update", {"data": pairs(change)}),
    ):
        context = (Rows(None) if kind == "link.create" else rows).context(sealing=made)
        with pytest.raises(InvalidProperties, match=problem) as caught:
            await ask(context, kind, arguments)
        assert "planted" not in str(caught.value) and "sasl.jaas.config: " in str(caught.value)


async def test_an_update_seals_what_is_new_and_leaves_the_rest_as_it_is() -> None:
    """SEC-33, LINK-3."""
    made = sealing()
    before = sealed_link(made)
    context = Rows(before).context(sealing=made)
    after = written(await ask(context, "link.update", {"data": pairs({"ssl.key.password": "planted-more"})}))
    assert after.configs["sasl.jaas.config"] == before.configs["sasl.jaas.config"]
    assert context.properties_of(after) == {**PLAIN, "ssl.key.password": "planted-more"}
    changed = written(
        await ask(context, "link.update", {"data": pairs({"sasl.jaas.config": JAAS.format("planted-2")})})
    )
    old, new = context.security_of(before), context.security_of(changed)
    assert old != new, "the engine connects anew"


async def test_who_has_lost_the_key_gives_the_secrets_anew() -> None:
    rows = Rows(sealed_link(sealing()))
    context = rows.context(sealing=sealing("another key"))
    link = written(await ask(context, "link.update", {"data": pairs({"sasl.jaas.config": PLAIN["sasl.jaas.config"]})}))
    assert context.properties_of(link) == PLAIN


async def collected(duty: SecretKeeping, woken: asyncio.Event, within_s: float) -> Decision:
    """What the duty wants to write, if it says so in time."""
    task = asyncio.create_task(duty.run())
    try:
        async with asyncio.timeout(within_s):
            await woken.wait()
    except TimeoutError:
        pass
    finally:
        task.cancel()
    decision = Decision(duty.context.model, "l")
    duty.decide(decision)
    return decision


async def test_secrets_move_to_the_new_key_once() -> None:
    """SEC-32."""
    rows, woken = Rows(sealed_link(sealing())), asyncio.Event()
    context = rows.context(sealing=sealing("new key", "the key"))
    duty = SecretKeeping(context, "l", woken.set)
    decision = await collected(duty, woken, 60)
    link = written(decision)
    assert sealing("new key").open(link) == PLAIN
    await context.settle(decision)
    assert rows.model.links["l"] == link
    woken.clear()
    assert (await collected(SecretKeeping(context, "l", woken.set), woken, 0.2)).is_empty


async def test_it_is_said_though_it_was_decided_twice(caplog: pytest.LogCaptureFixture) -> None:
    """Where outcomes are applied late the duty looks again meanwhile: the first is applied, the second too late."""
    caplog.set_level(logging.INFO)
    rows, woken, decisions = Rows(sealed_link(sealing())), asyncio.Event(), list[Decision]()
    duty = SecretKeeping(rows.context(sealing=sealing("new key", "the key")), "l", woken.set)
    task = asyncio.create_task(duty.run())
    async with asyncio.timeout(60):
        for _ in range(2):
            await woken.wait()
            woken.clear()
            decisions.append(Decision(rows.model, "l"))
            duty.decide(decisions[-1])
            rows.put_mirror(mirror())  # a row of the link has changed
        for decision in decisions:
            await rows.send_outcome(decision.outcome("w").to_json())
        while "under the current key" not in caplog.text:
            await asyncio.sleep(0.001)
    assert (rows.applied, rows.late) == (1, 1)
    rows.put_mirror(mirror("other"))
    await asyncio.sleep(0.05)
    task.cancel()
    assert caplog.text.count("under the current key") == 1


@pytest.mark.parametrize("key", ["the key", "another key", ""])
async def test_nothing_is_rewritten_under_the_same_key_or_without_one_that_fits(key: str) -> None:
    rows, woken = Rows(sealed_link(sealing())), asyncio.Event()
    duty = SecretKeeping(rows.context(sealing=sealing(key)), "l", woken.set)
    assert (await collected(duty, woken, 0.2)).is_empty


async def test_what_has_changed_meanwhile_is_not_overwritten() -> None:
    made = sealing()
    rows, woken = Rows(sealed_link(made)), asyncio.Event()
    duty = SecretKeeping(rows.context(sealing=sealing("new key", "the key")), "l", woken.set)
    task = asyncio.create_task(duty.run())
    await asyncio.wait_for(woken.wait(), 60)
    rows.put("links", "l", sealed_link(made).to_json())  # the same secrets, sealed again: another form
    decision = Decision(rows.model, "l")
    duty.decide(decision)
    task.cancel()
    assert decision.is_empty
