"""Addresses of memories, which a simulated copy of the Verilog watches itself."""

import json

from streams import Failure


class Memories:
    """Reads what the design noted of its memories.

    Parameters
    ----------
    dut : cocotb handle
    path : Path
        File that names the registers and the memories; without it nothing is watched.
    """

    def __init__(self, dut, path):
        record = json.loads(path.read_text()) if path.exists() else {"memories": []}
        self._memories = record["memories"]
        if self._memories:
            self._fault = getattr(dut, record["fault"])
            self._address = getattr(dut, record["address"])

    def clear(self):
        """Forget a fault that an earlier test found."""
        if self._memories:
            self._fault.value = 0

    def check(self):
        """Fail where an address was beyond the depth of its memory."""
        if not self._memories or not (number := self._fault.value.to_unsigned()):
            return
        memory, address = self._memories[number - 1], self._address.value
        shown = address.to_unsigned() if address.is_resolvable else "unknown"
        raise Failure(
            "address",
            f"An address of memory `{memory['name']}` is {shown}; it has {memory['depth']} words.",
        )
