package org.livy.driver;

import static org.livy.driver.Cases.equal;
import static org.livy.driver.Cases.isTrue;

import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

final class ServerLinkTest {
    private ServerLinkTest() {}

    /** A link to a server and what came of it. */
    private static final class Bench implements ServerLink.Listener, AutoCloseable {
        final Outbox outbox = new Outbox();
        final LinkedBlockingQueue<Object> commands = new LinkedBlockingQueue<>();
        final LinkedBlockingQueue<String> ends = new LinkedBlockingQueue<>();
        final CountDownLatch reconnections = new CountDownLatch(1);
        private final ServerLink link;

        Bench(String servers, String fingerprint, String lostMillis) throws Exception {
            Properties given = new Properties();
            given.setProperty(Settings.PREFIX + "servers", servers);
            given.setProperty(Settings.PREFIX + "session", "7");
            given.setProperty(Settings.PREFIX + "secret", "s");
            given.setProperty(Settings.PREFIX + "fingerprint", fingerprint);
            given.setProperty(Settings.PREFIX + "serverLostMillis", lostMillis);
            link = new ServerLink(Settings.of(given), outbox, this);
            link.start();
        }

        Bench(FakeServer server) throws Exception {
            this(server.address(), server.fingerprint, "60000");
        }

        @Override
        public void command(Map<String, Object> command) {
            commands.add(command.get("seq"));
        }

        @Override
        public void reconnected() {
            reconnections.countDown();
        }

        @Override
        public void ended(String reason) {
            ends.add(reason);
        }

        void send(String name) {
            outbox.add(Json.object("event", name));
        }

        String end() throws InterruptedException {
            return String.valueOf(ends.poll(20, TimeUnit.SECONDS));
        }

        @Override
        public void close() {
            link.close();
        }
    }

    static void addTo(Cases cases, String keystore) {
        addExchanges(cases, keystore);
        addEnds(cases, keystore);
    }

    /** What passes over connections that break. */
    private static void addExchanges(Cases cases, String keystore) {
        cases.add("Events arrive once and in order though answers are lost", () -> {
            try (FakeServer server = new FakeServer(keystore); Bench bench = new Bench(server)) {
                server.loseAnswers(2);
                for (String name : new String[] {"a", "b", "c"}) {
                    bench.send(name);
                    equal(name, server.event().get("event"));
                }
                bench.outbox.drain(20_000);
                equal(0, bench.outbox.size());
                isTrue(server.repeats() >= 2, "what was not acknowledged was sent again");
                isTrue(server.events.isEmpty(), "nothing was stored twice");
            }
        });
        cases.add("A broken stream is dialled again and old commands are skipped", () -> {
            try (FakeServer server = new FakeServer(keystore); Bench bench = new Bench(server)) {
                server.stream();
                server.command("{\"op\":\"execute\",\"seq\":1}");
                server.breakConnections();
                isTrue(server.stream().endsWith("&have=0"), "nothing was taken before");
                equal(1L, bench.commands.poll(20, TimeUnit.SECONDS));
                server.command("{\"op\":\"execute\",\"seq\":2}");
                server.breakConnections();
                isTrue(server.stream().endsWith("&have=1"), "the last command is told");
                equal(2L, bench.commands.poll(20, TimeUnit.SECONDS));
                isTrue(bench.reconnections.await(20, TimeUnit.SECONDS), "the listener was told");
                bench.send("after");
                equal("after", server.event().get("event"));
                isTrue(bench.commands.isEmpty(), "no command was taken twice");
            }
        });
    }

    /** Which server is dialled, and when the link gives up. */
    private static void addEnds(Cases cases, String keystore) {
        cases.add("The answers 401, 404 and 409 end the link, others do not", () -> {
            for (int status : new int[] {401, 404, 409}) {
                try (FakeServer server = new FakeServer(keystore)) {
                    server.answerWith(status);
                    try (Bench bench = new Bench(server)) {
                        isTrue(bench.end().contains("HTTP " + status), "told why");
                    }
                }
            }
            try (FakeServer server = new FakeServer(keystore)) {
                server.answerWith(503);
                try (Bench bench = new Bench(server)) {
                    bench.send("a");
                    server.answerWith(200);
                    equal("a", server.event().get("event"));
                    isTrue(bench.ends.isEmpty(), "503 passes");
                }
            }
        });
        cases.add("The next server is dialled if the first is not there", () -> {
            FakeServer gone = new FakeServer(keystore);
            gone.close();
            try (FakeServer server = new FakeServer(keystore);
                    Bench bench = new Bench(
                            gone.address() + "," + server.address(), server.fingerprint, "60000")) {
                bench.send("a");
                equal("a", server.event().get("event"));
            }
        });
        cases.add("Without an answer for long enough the link ends", () -> {
            FakeServer gone = new FakeServer(keystore);
            gone.close();
            try (Bench bench = new Bench(gone.address(), gone.fingerprint, "300")) {
                isTrue(bench.end().contains("No answer"), "told why");
            }
        });
        cases.add("Another certificate is not trusted", () -> {
            try (FakeServer server = new FakeServer(keystore);
                    Bench bench = new Bench(server.address(),
                            server.fingerprint.replace('a', 'b').replace('1', '2').replace(
                                    '0', '3'),
                            "600")) {
                isTrue(bench.end().contains("No answer"), "told why");
                isTrue(server.streams.isEmpty(), "nothing was asked");
            }
        });
    }
}
