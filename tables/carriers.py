"""What the dialling side last said of each INBOUND link: name -> {"version", "row"} (`Carrier.to_json`). Written by
agents/outcomes.py only.
"""

from pipeline.app import table

carriers = table("carriers")
