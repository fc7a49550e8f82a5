"""Fields of a DICOM header: what is stated, in the units of the film table, and no more."""

import pytest

from pneumo_tf.data.formats.dicom.dicom_format import DICOM
from pneumo_tf.data.formats.dicom.fields import DicomFields, parse_age, patient_key, read_dicom_fields
from tests.data.formats.dicom.dicom_files import gradient, write_dicom

FILM = gradient(8)

pytestmark = pytest.mark.filterwarnings(
    "ignore::UserWarning"
)  # pydicom's, about the odd values written here.


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("045Y", 45), ("006M", 0.5), ("003W", 3 * 7 / 365.25), ("010D", 10 / 365.25), ("000Y", 0), ("45", 45),
        ("045y", 45), ("", None), ("Y", None), ("045X", None), ("-45Y", None), ("4.5Y", None), ("²Y", None),
        ("unknown", None),
    ],
)  # fmt: skip
def test_an_age_is_in_years(text, years):
    assert parse_age(text) == (None if years is None else pytest.approx(years))


def test_all_fields_are_read_without_the_pixels():
    content = write_dicom(
        FILM, PatientID="P-17", PatientName="Doe^Jane", PatientAge="018M", PatientSex="F", ViewPosition="ap",
        BodyPartExamined="CHEST", Modality="DX",
    )  # fmt: skip
    fields = read_dicom_fields(content[: content.index(FILM.tobytes())])
    assert fields == DicomFields(patient_key("P-17"), pytest.approx(1.5), "F", "AP", "CHEST", "DX")


def test_a_path_is_read_as_its_bytes(tmp_path):
    (tmp_path / "film").write_bytes(write_dicom(FILM, PatientSex="M"))
    assert read_dicom_fields(tmp_path / "film").sex == "M"


def test_a_header_holds_what_is_stated_alone():
    empty = write_dicom(FILM, PatientID="", PatientSex="O", PatientAge="unknown")
    assert DICOM.read_header(empty).fields == {}
    some = write_dicom(FILM, PatientAge="030Y", PatientSex="M", ViewPosition="PA")
    assert DICOM.read_header(some).fields == {"age": "30", "sex": "M", "view": "PA"}


def test_no_name_id_or_private_tag_is_in_what_is_read():
    content = write_dicom(FILM, PatientID="4711-0815", PatientName="Doe^Jane", PatientBirthDate="19700101")
    shown = repr((DICOM.read_header(content), read_dicom_fields(content)))
    assert not any(secret in shown for secret in ("4711", "0815", "Doe", "Jane", "1970"))


def test_one_patient_has_one_key_and_two_have_two():
    keys = [patient_key(name) for name in ("1", "1", "2", " 1")]
    assert keys[0] == keys[1] and len(set(keys)) == 3
    # BLAKE2b of "1", as any other program makes it.
    assert keys[0] == "id-1ced8f5be2"
    assert patient_key("") == ""


@pytest.mark.parametrize("content", [b"", b"text", bytes(128) + b"DICM" + b"\xff" * 40])
def test_what_is_no_dicom_file_is_refused_or_states_nothing(content):
    try:
        assert not any(read_dicom_fields(content))
    except ValueError as error:
        assert str(error) in ("not a DICOM file", "damaged DICOM header")
