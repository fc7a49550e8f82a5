"""DICOM films: from the bytes of a file to 8-bit gray, and the few fields that the suite reads.

`elements.py` reads the file, `image_description.py` checks what it states of its pixels, `frame.py` decodes
the first frame, `gray.py` brings it to 8 bits, and `fields.py` holds what is read of the patient.
"""
