"""full_disk.py BUILD: a livy-server whose files may not grow refuses what it cannot store, and nothing else.

What it has acknowledged is there afterwards, while the disk is full, when there is room again, and after kill -9.
"""
import resource
import shutil
import sys
import tempfile

from bed import Bed

ROOM = 400_000  # Bytes of any one file.


def expect(condition, *told):
    if not condition:
        raise AssertionError(told)


def submit(server, text):
    return server.request("POST", "/sessions/0/statements", {"code": "tell " + text})


def check_all(server, acknowledged):
    status, page = server.request("GET", "/sessions/0/statements")
    expect(status == 200, status, page)
    told = {view["id"]: view["code"] for view in page["statements"]}
    expect(told == acknowledged, told.keys() ^ acknowledged.keys())


def main():
    build = sys.argv[1]
    folder = tempfile.mkdtemp(prefix="livy-full-")
    bed = Bed(build, folder, "livy.rsc.retained-statements = 100000\n")
    server = bed.start()
    try:
        _, session = server.request("POST", "/sessions", {"kind": "spark"})
        while session["state"] != "idle":
            _, session = server.request("GET", "/sessions/0?wait=10s")
        limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (ROOM, limits[1]))
        acknowledged, refused = {}, 0
        while refused < 5:
            code = "x" * 10_000 + str(len(acknowledged))
            status, answer = submit(server, code)
            if status == 201:
                acknowledged[answer["id"]] = "tell " + code
                continue
            expect(status == 503 and "store" in answer["msg"], status, answer)
            refused += 1
        check_all(server, acknowledged)
        # As long as that code, because something short may still find room.
        large = {"kind": "spark", "conf": {"spark.x": "x" * 20_000}}
        status, answer = server.request("POST", "/sessions", large)
        expect(status == 503, status, answer)

        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)
        status, answer = submit(server, "again")
        expect(status == 201, status, answer)
        acknowledged[answer["id"]] = "tell again"
        check_all(server, acknowledged)
        server.kill()
        server = bed.start()
        check_all(server, acknowledged)
        for number in acknowledged:
            server.result(0, number)
        print(f"{len(acknowledged)} statements acknowledged, {refused} refused, none lost")
    finally:
        server.kill()
        bed.kill_processes()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
