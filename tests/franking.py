"""One frank as a PSD makes it: debited, printed on nothing, complete."""

from fm_device.psd.device import Psd
from fm_device.psd.franking import Frank, FrankOrder, FrankRefusal
from protocol.values import Paise


def frank(psd: Psd, value: Paise, product_class: int) -> Frank | FrankRefusal:
    done = psd.debit(FrankOrder(value, product_class))
    if isinstance(done, Frank):
        psd.complete(done.item)
    return done
