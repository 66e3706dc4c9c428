"""The orders of one dial-in, and the contents that some of them wait for.

`orders` says what each does to the record; here they are carried out in their sequence,
each stored before the next is looked at, and what a content holds back is kept until
the content is on hand whole (SPEC.md DLG-10, DLG-16).
"""

from collections.abc import Callable
from dataclasses import replace

from fm_device.psd.contents import ContentStore, genuine
from fm_device.psd.memory import PsdMemory
from fm_device.psd.orders import Circumstances, carry_out
from protocol.contents import Content, read_content
from protocol.dialogue.machine import ContentTaken, OrderTaken
from protocol.errors import ErrorCode, RemoteProtocolError, StoreError
from protocol.keys import ProvisioningError, ServerProvisioning
from protocol.messages import (
    CONTENT_ORDERS,
    WANTS_PER_DIAL_IN_MAX,
    ContentPart,
    Order,
    OrderKind,
    Want,
)


class Ordering:
    """Carries the orders of one dial-in out."""

    def __init__(
        self,
        memory: PsdMemory,
        contents: ContentStore | None,
        circumstances: Callable[[], Circumstances],
    ) -> None:
        """Begin a dial-in without any.

        Args:
            memory: Where their effects are stored.
            contents: Memory for contents, or None: none can be taken.
            circumstances: Tells what an effect depends on beside the record, as of now.
        """
        self._memory = memory
        self._contents = contents
        self._circumstances = circumstances
        self._left = 0
        self._held: list[Order] = []
        self._wants = 0
        self._wanted: Want | None = None

    def announce(self, orders: int) -> None:
        """Note how many the RECEIPT has announced."""
        self._left = orders

    def take(self, order: Order) -> OrderTaken:
        """Carry an order out, or keep it until its content is on hand.

        Raises:
            RemoteProtocolError: It is one more than the RECEIPT announced.
        """
        if not self._left:
            raise _unexpected("more ORDERs than the RECEIPT announced")
        self._left -= 1
        applied = self._carry_out(order)
        if not applied and order.order_serial > self._memory.record.order_serial:
            self._held.append(order)
        return OrderTaken(order, applied=applied)

    def want(self) -> Want | None:
        """Say what is missing of a content that holds an order back."""
        if not self._held:
            return None
        order = self._held[0]
        due = order.order_serial == self._memory.record.order_serial + 1
        if not due or order.order not in CONTENT_ORDERS:
            return None
        if self._contents is None or self._wants >= WANTS_PER_DIAL_IN_MAX:
            return None
        offset = self._contents.received(order.order, order.value)
        if self._contents.read(order.value) is not None:
            # Whole, and still not applied: it is not what this machine can use.
            return None
        self._wants += 1
        self._wanted = Want(order.value, offset)
        return self._wanted

    def take_content(self, part: ContentPart) -> ContentTaken:
        """Store a part, and carry the orders out that a whole content lets go on.

        Raises:
            RemoteProtocolError: Nobody wanted it.
        """
        wanted, self._wanted = self._wanted, None
        if wanted is None or (part.content_id, part.offset) != (
            wanted.content_id,
            wanted.offset,
        ):
            raise _unexpected("a CONTENT that was not wanted")
        store = self._contents
        if store is None or not part.total:
            # The server does not have it: nothing more is asked for in this dial-in.
            self._wants = WANTS_PER_DIAL_IN_MAX
            return ContentTaken(part.content_id, part.offset, 0, ())
        kind = self._held[0].order
        try:
            store.store_part(kind, part.content_id, part.offset, part.total, part.data)
        except StoreError:
            # Too long for its place, or not what was ordered: the order waits, and the
            # dial-in goes on (DLG-16.4).
            self._wants = WANTS_PER_DIAL_IN_MAX
            return ContentTaken(part.content_id, part.offset, part.total, ())
        applied: list[OrderTaken] = []
        if store.read(part.content_id) is not None:
            while self._held and self._carry_out(self._held[0]):
                applied.append(OrderTaken(self._held.pop(0), applied=True))
        received = min(store.received(kind, part.content_id), part.total)
        return ContentTaken(part.content_id, received, part.total, tuple(applied))

    def _carry_out(self, order: Order) -> bool:
        """Apply an order if it is next and possible; store its effect and serial."""
        record = self._memory.record
        if order.order_serial != record.order_serial + 1:
            return False
        content = self._content_of(order)
        circumstances = replace(
            self._circumstances(),
            content=content,
            ring_changed=self._ring_changed(order, content),
        )
        after = carry_out(record, order, circumstances)
        if after is None:
            return False
        self._memory.store(after)
        return True

    def _content_of(self, order: Order) -> Content | None:
        """Read the content that an order names, if it is whole, genuine and of use."""
        if self._contents is None or order.order not in CONTENT_ORDERS:
            return None
        octets = self._contents.read(order.value)
        maker = self._memory.maker
        if octets is None or not genuine(octets, order.order, order.value, maker):
            return None
        content = read_content(octets, maker)
        return content if self._contents.accepts(content) else None

    def _ring_changed(self, order: Order, content: Content | None) -> bool:
        """Bring a credit key in or take it out; done twice it changes nothing more."""
        if order.order is OrderKind.RETIRE_CREDIT_KEY:
            return self._memory.retire_credit_key(order.value)
        if order.order is not OrderKind.CREDIT_KEY or content is None:
            return False
        try:
            server = ServerProvisioning.decode(content.body)
        except ProvisioningError:
            return False
        return self._memory.add_credit_key(server)


def _unexpected(message: str) -> RemoteProtocolError:
    return RemoteProtocolError(message, clause="DLG-1", code=ErrorCode.UNEXPECTED)
