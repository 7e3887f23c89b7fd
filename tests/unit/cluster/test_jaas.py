"""LINK-72: one JAAS entry, with its quotes, its semicolon and its one line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cluster import jaas
from pipeline.cluster.errors import SecurityError

PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


def test_module_flag_and_options() -> None:
    login = jaas.parse(f"{PLAIN} required username=\"alice\" password='se cret';")
    assert (login.module, login.flag) == ("PlainLoginModule", "required")
    assert login.options == {"username": "alice", "password": "se cret"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"a;b"', "a;b"),
        ("'a=\"b'", 'a="b'),
        (r'"a\"b"', 'a"b'),
        (r'"a\\b"', r"a\b"),
        ("bare!word", "bare!word"),
        ('""', ""),
    ],
)
def test_values(written: str, meant: str) -> None:
    assert jaas.parse(f"{PLAIN} required password={written};").options == {"password": meant}


@given(st.text(st.characters(exclude_characters="\n\r")))
def test_any_password_survives_quoting(password: str) -> None:
    quoted = password.replace("\\", "\\\\").replace('"', '\\"')
    assert jaas.parse(f'{PLAIN} required username="u" password="{quoted}";').options["password"] == password


def test_kerberos_entry() -> None:
    login = jaas.parse(
        "com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true "
        'keyTab="/etc/security/link.keytab" principal="link/host@EXAMPLE.COM" ;'
    )
    assert login.module == "Krb5LoginModule"
    assert login.options["principal"] == "link/host@EXAMPLE.COM"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is required"),
        (f'{PLAIN} required username="a" password="hush-hush"', "semicolon"),
        (f'{PLAIN} required\nusername="a" password="hush-hush";', "one line"),
        (f'{PLAIN} required username="a" password="hush-hush;', "quote left open"),
        (f'{PLAIN} username="a" password="hush-hush";', "begin with a login module"),
        (f'{PLAIN} perhaps password="hush-hush";', "begin with a login module"),
        (f'{PLAIN} required password="hush-hush"; {PLAIN} required password="hush-hush";', "one login module only"),
        (f'{PLAIN} required password="hush-hush" stray;', "expected option=value"),
    ],
)
def test_what_cannot_be_read_names_the_property_and_no_secret(text: str, problem: str) -> None:
    with pytest.raises(SecurityError, match=problem) as caught:
        jaas.parse(text, "local.sasl.jaas.config")
    assert caught.value.property_name == "local.sasl.jaas.config"
    assert "hush-hush" not in str(caught.value) + repr(caught.value)


def test_repr_keeps_the_secret() -> None:
    assert "hush" not in repr(jaas.parse(f'{PLAIN} required password="hush";'))
