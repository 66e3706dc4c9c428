"""The PIN directory is read strictly: what is wrong is told with line and reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dop_gateway.offices.model import (
    OfficeKind,
    facility_of,
    name_key,
    parse_facility,
    parse_pin,
    range_of,
)
from dop_gateway.offices.reading import COLUMNS, Directory, read_octets
from protocol.errors import LocalProtocolError

HEAD = ",".join(COLUMNS)
GPO = (
    "Karnataka Circle,Bengaluru HQ Region,Bengaluru East Division,Bengaluru G.P.O.,"
    "560001,HO,Delivery,BENGALURU URBAN,KARNATAKA,12.9716,77.5946"
)


def read(*lines: str, before: bytes = b"", end: str = "\n") -> Directory:
    octets = before + "".join(line + end for line in lines).encode()
    return read_octets(octets.splitlines(keepends=True))


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_is_one_office_with_or_without_a_byte_order_mark(
    before: bytes, end: str
) -> None:
    directory = read(HEAD, GPO, before=before, end=end)
    (line,) = directory.lines
    assert line.number == 2
    assert (line.circle, line.region) == ("Karnataka Circle", "Bengaluru HQ Region")
    assert line.division == "Bengaluru East Division"
    assert (line.name, line.pin) == ("Bengaluru G.P.O.", "560001")
    assert (line.kind, line.delivers) == (OfficeKind.HO, True)
    assert (line.district, line.state) == ("BENGALURU URBAN", "KARNATAKA")
    assert line.latitude_microdegrees == 12_971_600
    assert line.longitude_microdegrees == 77_594_600
    assert (directory.count, directory.left_out, directory.findings) == (1, 0, ())


def test_columns_may_stand_in_any_order() -> None:
    order = list(reversed(range(len(COLUMNS))))
    lines = [
        ",".join(line.split(",")[place] for place in order) for line in (HEAD, GPO)
    ]
    assert read(*lines).lines == read(HEAD, GPO).lines


def test_what_is_not_known_is_none() -> None:
    line = GPO.replace("12.9716,77.5946", "NA,NA").replace("BENGALURU URBAN", "NA")
    (office,) = read(HEAD, line).lines
    assert office.latitude_microdegrees is None
    assert office.longitude_microdegrees is None
    assert office.district is None


@pytest.mark.parametrize("region", ["", "NA", "DivReportingCircle"])
def test_a_division_may_stand_right_under_its_circle(region: str) -> None:
    (office,) = read(HEAD, GPO.replace("Bengaluru HQ Region", region)).lines
    assert office.region == ""


def test_po_is_a_sub_office() -> None:
    (office,) = read(HEAD, GPO.replace(",HO,", ",PO,")).lines
    assert office.kind is OfficeKind.SO


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("560001", "060001", "'060001' is not a PIN code"),
        ("560001", "56001", "'56001' is not a PIN code"),
        (",HO,", ",XO,", "office type 'XO' is none of HO, SO, PO, BO"),
        (",Delivery,", ",yes,", "delivery 'yes' is neither"),
        ("12.9716", "12.97.16", "latitude '12.97.16' is neither degrees"),
        ("12.9716", "NA", "latitude and longitude are known together"),
        ("77.5946", "277.5946", "longitude 277.5946 is not on the globe"),
        ("Bengaluru G.P.O.", " ", "the office name is empty"),
        ("Bengaluru G.P.O.", "B" * 121, "more than 120 characters"),
        ("Bengaluru G.P.O.", "Bengaluru\x07", "does not print"),
        ("Karnataka Circle", "", "the circle name is empty"),
        (",HO,", ",HO,HO,", "12 fields where 11 are needed"),
        ("Bengaluru G.P.O.", '"Bengaluru', "the line is not CSV"),
        ("Bengaluru G.P.O.", "B" * 4_100, "more than 4,096 octets"),
    ],
)
def test_a_line_with_a_mistake_is_left_out_and_told_of(
    before: str, after: str, reason: str
) -> None:
    directory = read(HEAD, GPO.replace(before, after, 1))
    assert directory.lines == ()
    assert directory.left_out == 1
    (finding,) = directory.findings
    assert finding.line_number == 2
    assert reason in finding.reason


def test_octets_that_are_no_text_are_told_of() -> None:
    directory = read_octets([HEAD.encode() + b"\n", b"\xff\n"])
    assert str(directory.findings[0]) == "line 2: octet 1 is not UTF-8"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ((), "the file is empty"),
        ((HEAD,), "no office follows"),
        ((HEAD.replace(",pincode", ""), GPO), "look at pincode"),
        ((HEAD + ",phone", GPO), "look at phone"),
        ((HEAD.replace("district", "pincode"), GPO), "look at pincode"),
    ],
)
def test_a_file_that_is_no_directory_is_refused_whole(
    lines: tuple[str, ...], reason: str
) -> None:
    directory = read(*lines)
    assert directory.lines == ()
    assert len(directory.findings) == directory.left_out == 1
    assert directory.findings[0].line_number == 1
    assert reason in directory.findings[0].reason


def test_a_line_that_stands_twice_word_for_word_counts_once() -> None:
    directory = read(HEAD, GPO, GPO)
    assert len(directory.lines) == directory.repeated == 1
    assert not directory.left_out


def test_an_office_that_stands_twice_in_other_words_is_left_out_the_second_time() -> (
    None
):
    directory = read(HEAD, GPO, GPO.replace(",HO,", ",SO,"))
    assert [line.kind for line in directory.lines] == [OfficeKind.HO]
    assert "Bengaluru G.P.O., 560001, stands in line 2 otherwise" in str(
        directory.findings[0]
    )


def test_a_division_stands_in_one_region() -> None:
    other = GPO.replace("HQ Region", "South Region").replace("560001", "560002")
    directory = read(HEAD, GPO, other)
    assert "stands in another region in line 2" in str(directory.findings[0])


def test_findings_are_bounded_and_counted() -> None:
    directory = read(HEAD, *["nothing"] * 150)
    assert (len(directory.findings), directory.left_out) == (100, 150)


@given(st.lists(st.binary(max_size=80), max_size=5))
def test_whatever_the_octets_are_reading_ends_and_counts(octets: list[bytes]) -> None:
    directory = read_octets([HEAD.encode() + b"\n", *octets])
    assert directory.count == len(octets)
    assert len(directory.lines) + directory.repeated + directory.left_out >= len(octets)


@given(st.integers(min_value=0, max_value=99_999_999), st.data())
def test_a_facility_id_with_one_wrong_digit_is_refused(
    number: int, data: st.DataObject
) -> None:
    facility = facility_of(number)  # type: ignore[arg-type]
    assert parse_facility(facility) == facility
    place = data.draw(st.integers(min_value=1, max_value=9))
    other = data.draw(
        st.sampled_from([d for d in "0123456789" if d != facility[place]])
    )
    with pytest.raises(LocalProtocolError, match="check digit"):
        parse_facility(facility[:place] + other + facility[place + 1 :])


@pytest.mark.parametrize("pin", ["", "5600011", "56000a", "٥٦٠٠٠١", "012345"])
def test_what_is_no_pin_code_is_refused(pin: str) -> None:
    with pytest.raises(LocalProtocolError, match="is not a PIN code"):
        parse_pin(pin)


@given(st.text())
def test_a_name_is_compared_without_case_and_spare_space(name: str) -> None:
    assert name_key(f"  {name.upper().lower()} ") == name_key(name.upper().lower())
    assert name_key(name_key(name)) == name_key(name)


@given(st.lists(st.integers(min_value=1, max_value=200_000), min_size=1, max_size=8))
def test_a_range_of_paths_holds_what_stands_below_and_nothing_else(
    line: list[int],
) -> None:
    path = "".join(f"/{one}" for one in line) + "/"
    first, end = range_of(path)
    assert first <= path < end
    assert first <= f"{path}7/" < end
    assert not first <= f"{path[:-1]}7/" < end
