"""The benchmark's watchers: what an earlier load has left on its way is none of theirs."""

import asyncio

from overskill.bench.control_plane.watching import fan_out


def line(run: int, kind: str = "deploy.building") -> bytes:
    return f'data: {{"type": "{kind}", "data": {{"commit": "{run:040x}"}}}}\n\n'.encode()


def test_only_the_runs_that_are_told_count() -> None:
    async def measured() -> list[float]:
        telling = asyncio.Event()

        async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + line(5) + line(6))
            await telling.wait()
            writer.write(line(7, "deploy.built") + line(6) + line(7) + line(8))
            await writer.drain()
            writer.close()
            await writer.wait_closed()

        async def tell() -> None:
            await asyncio.sleep(0.1)
            telling.set()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            return await fan_out(port, "token", 3, tell, range(7, 9))

    told = asyncio.run(measured())
    assert len(told) == 3
    assert all(0.1 <= seconds < 30 for seconds in told)
