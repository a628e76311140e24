"""A call as it goes under the conditions of the moment: after its time, and with what goes wrong."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.types import Receive

from local_cloud.call import Answer, Call
from local_cloud.profiles.conditions import FAULT_HEADER
from local_cloud.profiles.faults import Reset, Slow


async def carry_out(call: Call, act: Callable[[], Awaitable[Answer]]) -> Answer | None:
    """What the caller gets of `act`, which is the call itself; None if the connection is to be reset."""
    template = call.route.template if call.route else ""
    content_type = call.headers.get("content-type", "")
    met = call.cloud.conditions.call(call.dialect.name, call.method, call.path, template, content_type)
    await asyncio.sleep(met.seconds)
    fault = met.fault
    if fault is None:
        return await act()
    if isinstance(fault, Slow):
        answer = await act()
        await asyncio.sleep(fault.seconds)
    else:
        if fault.when == "after":
            await act()
        if isinstance(fault, Reset):
            return None
        answer = call.dialect.fault(fault.status)
    return replace(answer, headers={**answer.headers, FAULT_HEADER: str(fault)})


async def reset(receive: Receive) -> None:
    """End the connection that `receive` belongs to, as a reset. ASGI has no word for this, so uvicorn's is used."""
    transport = receive.__self__.transport
    # Without lingering, the kernel sends RST instead of FIN.
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await asyncio.sleep(0)  # then uvicorn knows, and answers nothing in place of what was not answered
