"""DICOM films: from the bytes of a file to 8-bit gray, and the few fields that the suite reads.

`elements.py` reads the file, `image_description.py` checks the format of its pixels, `frame.py` decodes the
first frame, `gray.py` converts it to 8 bits, and `fields.py` reads age, sex, view and a key of the patient.
"""
