"""Image formats: what a header states, and decoding to 8-bit gray; one entry a format."""
