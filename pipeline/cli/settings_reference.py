"""docs/configuration.md, drawn from the table of settings: `python -m pipeline.cli.settings_reference` rewrites it.

A test compares the two, so the page cannot drift.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.setting_table import SETTINGS, Setting
from pipeline.settings import PROPERTIES_FILE, reference

HEAD = f"""# Configuration of a worker

A worker reads its settings once, when it starts. Each comes from the environment, from a properties file named by
`{PROPERTIES_FILE}` (`name=value` lines, `#` begins a comment, a trailing backslash continues a line), or from an option
of `clusterlink worker`. An option wins over the environment, the environment over the file. Everything that is wrong
is told at once, by name, and the worker does not start.

Give all workers of a group the same settings, except `data_dir`, `web_host` and `web_port`.

"""

TAIL = """
The properties of a *link* are no settings of a worker: they are given with the link, over REST, the CLI or the commands
topic, and [properties](properties.md) lists them. How secrets are kept, and who may do what, is in
[security](security.md).

This page is printed from `pipeline/setting_table.py`.
"""


def page() -> str:
    """The whole page."""
    secrets = [setting for setting in SETTINGS if setting.is_secret]
    return HEAD + reference() + "\n" + _secret_note(secrets) + TAIL


def _secret_note(secrets: list[Setting]) -> str:
    names = " and ".join(f"`{setting.field}`" for setting in secrets)
    return (
        f"{names} are secrets: they have no option of\n`clusterlink worker`, because everybody on the machine sees the "
        "arguments of a process, and they are never printed.\n"
    )


def main() -> None:
    """Rewrite the page in the checkout."""
    (Path(__file__).resolve().parents[2] / "docs" / "configuration.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
