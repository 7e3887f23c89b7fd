"""The demonstration: `python -m pipeline.demo` (`make demo`).

Two real clusters and one worker on this machine, a link and a mirror made through the commands topic, records of every
kind produced meanwhile, a live table of the mirror's progress, and the verification at the end.
"""
