"""Image formats: reading of headers, and decoding to 8-bit gray; one entry per format."""
