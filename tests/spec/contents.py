"""Contents for tests: a maker, a small tariff, and any body that there can be."""

from datetime import date

from hypothesis import strategies as st

from protocol.contents import (
    Addition,
    CreditKeyUpdate,
    FirmwareImage,
    Further,
    ProductClass,
    Slogan,
    Step,
    Tariff,
)
from protocol.contents.container import Body
from protocol.keys import (
    MakerKey,
    Realm,
    ServerCredential,
    ServerProvisioning,
    SigningKey,
    public_point,
)
from protocol.values import EpochSeconds

MAKER = MakerKey("Maker", Realm.TEST, SigningKey(bytes(31) + b"\x07"))
ISSUED = EpochSeconds(1_790_000_000)

LETTER = ProductClass(
    number=3,
    letters="L",
    name="letter",
    source="invented for a test",
    zones=(),
    steps=(Step(20, (500,)),),
    further=Further(20, (500,)),
    weight_max_g=500,
)
SPEED_POST = ProductClass(
    number=6,
    letters="SP",
    name="speed post",
    source="invented for a test",
    zones=("LOCAL", "200"),
    steps=(Step(50, (1900, 4700)), Step(250, (2400, 5900))),
    further=None,
    weight_max_g=250,
    additions=(Addition("registration", 500),),
)
TARIFF = Tariff(
    number=7,
    valid_from=date(2025, 10, 1),
    name="a tariff of tests",
    source="invented for a test",
    classes=(LETTER, SPEED_POST),
)
SLOGAN = Slogan(2, "Save water", ("SAVE WATER", "SAVE LIFE"), 0, "LA/KN/2026/17")
IMAGE = FirmwareImage((0, 2, 0), "franks in colour", payload=bytes(range(32)))


def server(key_id: int, realm: Realm = Realm.TEST) -> ServerProvisioning:
    credential = ServerCredential(
        "rmfs.example", realm, 5, public_point(bytes(31) + b"\x09")
    ).with_credit_key(key_id, SigningKey(bytes(31) + b"\x0b").public)
    return ServerProvisioning(credential, ISSUED)


CREDIT_KEY = CreditKeyUpdate(server(2))
BODIES: tuple[Body, ...] = (TARIFF, SLOGAN, IMAGE, CREDIT_KEY)


def texts(characters_max: int) -> st.SearchStrategy[str]:
    printable = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
    return st.text(printable, min_size=1, max_size=characters_max).filter(
        lambda text: text == text.strip()
    )


_PRICES = st.integers(0, 1_000_000)


@st.composite
def product_classes(draw: st.DrawFn, number: int) -> ProductClass:
    zones = tuple(
        draw(st.lists(st.from_regex(r"\A[A-Z0-9]{1,8}\Z"), unique=True, max_size=4))
    )
    columns = len(zones) or 1
    prices = st.tuples(*[_PRICES] * columns)
    weights = sorted(draw(st.sets(st.integers(1, 2000), min_size=1, max_size=4)))
    steps = tuple(Step(weight, draw(prices)) for weight in weights)
    further = (
        Further(draw(st.integers(10, 500)), draw(prices))
        if draw(st.booleans())
        else None
    )
    more_g = 0 if further is None else draw(st.integers(1, 2000))
    return ProductClass(
        number,
        f"C{number}",
        draw(texts(40)),
        draw(texts(240)),
        zones,
        steps,
        further,
        weights[-1] + more_g,
        tuple(Addition(draw(texts(40)), draw(_PRICES)) for _ in range(number % 3)),
    )


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    numbers = sorted(draw(st.sets(st.integers(1, 255), min_size=1, max_size=4)))
    return Tariff(
        draw(st.integers(1, 2**32 - 1)),
        draw(st.dates(date(1970, 1, 2), date(2106, 2, 7))),
        draw(texts(40)),
        draw(texts(240)),
        tuple(draw(product_classes(number)) for number in numbers),
    )


def slogans() -> st.SearchStrategy[Slogan]:
    return st.builds(
        Slogan,
        st.integers(1, 10),
        texts(24),
        st.lists(texts(24), min_size=1, max_size=3).map(tuple),
        st.integers(0, 0xFFFF),
        texts(40),
    )


def images() -> st.SearchStrategy[FirmwareImage]:
    part = st.integers(0, 255)
    return st.builds(
        FirmwareImage,
        st.tuples(part, part, part),
        texts(240),
        st.booleans(),
        st.binary(max_size=200),
    )


def bodies() -> st.SearchStrategy[Body]:
    keys = st.integers(0, 255).map(lambda number: CreditKeyUpdate(server(number)))
    return st.one_of(tariffs(), slogans(), images(), keys)
