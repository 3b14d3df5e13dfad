"""kill_loop.py BUILD [--rounds N] [--seed S] [--store sqlite|filesystem|redis|zookeeper]

Kills a livy-server with SIGKILL at random moments, while clients create, submit, cancel, stop and delete, starts it
again, and compares what it shows with what it has acknowledged, record by record:

  - every id, statement, output, cancellation, end and deletion that was answered is there, as it was told, be it in
    the lists, beyond what a session keeps in memory, or in the history;
  - nothing is there that nobody asked for, and what was asked for without an answer can be asked for again
    with the same Idempotency-Key, and is there once;
  - no id is given twice, and no statement and no batch runs twice;
  - statements are forgotten only where a session has as many newer ones as it keeps;
  - a session dies only with its driver, and a batch ends as its process did.

Where the store lets another server take over, that happens now and then, and the first one dies after it.

Drivers and batches are processes of tests/kill/stub_driver.py, which survive the server. Some are killed, too.
"""
import argparse
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

import stores
from bed import Bed
from clients import Check, Client
from ledger import Ledger, Lost

CLIENTS = 4
ROUND_SECONDS_MAX = 0.25
ROUNDS_BETWEEN_WAITS = 20
TAKEOVERS = 0.2  # How often another server starts before the one that clients use is killed.
FENCED_SECONDS_MAX = 0.1
LAST_ROUNDS = 2
HOSTS = ("127.0.0.1", "127.0.0.2")


class Loop:
    def __init__(self, bed, seed, is_locked):
        self.bed, self.random, self.ledger = bed, random.Random(seed), Ledger()
        self.is_locked, self.host = is_locked, HOSTS[0]

    def kill_a_process(self):
        processes = list(self.bed.processes())
        if not processes:
            return
        process, kind, number = self.random.choice(processes)
        objects = self.ledger.sessions if kind == "session" else self.ledger.batches
        with self.ledger.lock:
            victim = next((it for it in objects if it.id == number), None)
        if victim is None:
            return  # Its creation was not answered.
        victim.was_killed = True
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.ledger.count("processes killed")

    def round(self, server):
        seeds = [self.random.random() for _ in range(CLIENTS)]
        failures = []

        def work(seed):
            try:
                Client(server, self.bed, self.ledger, random.Random(seed)).work()
            except Exception as failure:  # Told by the thread that waits.
                failures.append(failure)

        clients = [threading.Thread(target=work, args=(seed,)) for seed in seeds]
        for client in clients:
            client.start()
        time.sleep(self.random.random() * ROUND_SECONDS_MAX)
        follower = None
        if not self.is_locked and self.random.random() < TAKEOVERS:
            follower = self.follow(server)
        elif self.random.random() < 0.1:
            self.kill_a_process()
        server.kill()
        for client in clients:
            client.join()
        if failures:
            if follower:
                follower.kill()
            raise failures[0]
        return follower

    def follow(self, server):
        """Another server, to which the state and the drivers' address have moved; the first one goes on."""
        self.host = HOSTS[self.host == HOSTS[0]]
        server.is_followed = True
        self.bed.followed.add(server.number)
        follower = self.start()
        self.bed.move_drivers(self.host)
        self.ledger.count("taken over")
        time.sleep(self.random.random() * FENCED_SECONDS_MAX)
        return follower

    def start(self, settings=""):
        cached = self.random.choice([0, 200, 4 << 20])
        return self.bed.start(
            f"livy.server.session.statements.max-cached-size = {cached}\n"
            f"livy.server.host = {self.host}\n"
            f"livy.server.state-dir = {self.bed.folder / 'state' / self.host}\n"
            + settings)

    def end_all(self, is_last):
        """All drivers have died, and whatever has ended leaves the lists at once, under a server that may die soon."""
        for session in self.ledger.sessions:
            session.was_killed = True
        self.bed.kill_processes()
        server = self.start("livy.server.session.state-retain.sec = 1ms\n")
        check = Check(server, self.bed, self.ledger, self.random)
        if is_last:
            check.await_ends()
        else:
            time.sleep(self.random.random() * ROUND_SECONDS_MAX)
        check.check_history(is_thorough=True)
        return server

    def run(self, rounds):
        server = self.start()
        try:
            for number in range(1, rounds + 1):
                server = self.round(server) or self.start()
                check = Check(server, self.bed, self.ledger, self.random)
                is_thorough = number % ROUNDS_BETWEEN_WAITS == 0 or number == rounds
                try:
                    check.run(is_thorough)
                except Lost as lost:
                    raise AssertionError("the server does not answer") from lost
            for number in range(1, LAST_ROUNDS + 1):
                server.kill()
                server = self.end_all(is_last=number == LAST_ROUNDS)
        finally:
            server.kill()
            self.bed.kill_processes()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--store", choices=stores.NAMES, default="sqlite")
    arguments = parser.parse_args()
    if arguments.seed is None:
        arguments.seed = random.randrange(10**6)
    print(f"seed {arguments.seed}", flush=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="livy-kill-"))
    try:
        store = stores.Store(arguments.store, folder)
    except stores.Missing as missing:
        print(f"SKIP: {missing}")
        sys.exit(77)
    loop = Loop(Bed(arguments.build, folder, store.settings), arguments.seed, store.is_locked)
    began = time.monotonic()
    try:
        loop.run(arguments.rounds)
    except BaseException:
        print(f"the state is kept in {folder}; {loop.ledger.totals()}")
        raise
    finally:
        store.close()
    shutil.rmtree(folder, ignore_errors=True)
    counts = ", ".join(f"{number} {what}" for what, number in loop.ledger.totals().items())
    print(f"{arguments.rounds} rounds in {time.monotonic() - began:.0f} s: {counts}; "
          f"slowest start {loop.bed.slowest:.2f} s")


if __name__ == "__main__":
    main()
