"""Mirrors, stopped ones too: "link/topic" -> {"version", "row"} (`Mirror.to_json`). Written by agents/outcomes.py
only.
"""

from pipeline.app import table

mirrors = table("mirrors")
