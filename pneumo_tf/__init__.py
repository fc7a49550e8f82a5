"""Training, scoring, explanation and reports of pneumonia detectors for chest films.

Not a medical device: its scores and pictures are for research on methods.
"""
