"""Offsets, counts and errors of mirror partitions: "link/topic/partition" -> {"row": `Position.to_json`}.

Written by agents/progress.py only. It informs; where copying resumes is read from the mirror's own log, never from
here.
"""

from pipeline.app import table

positions = table("positions")
