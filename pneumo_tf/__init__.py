"""How pneumonia detectors for chest films are trained, scored, explained and reported.

Not a medical device: scores and pictures made here are for research on methods.
"""
