"""Links of the own cluster: name -> {"version", "row"}, the row as `Link.to_json` has it. Written by
agents/outcomes.py only.
"""

from pipeline.app import table

links = table("links")
