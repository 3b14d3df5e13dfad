package org.livy.driver;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;

/**
 * The way to the server: a GET that never ends and brings commands, and a connection for POSTs that
 * carry events. Either may break, and the server may be replaced, at any time: what was not
 * acknowledged is sent again, and a command that was taken is not taken twice.
 */
final class ServerLink {
    /**
     * What the link tells its owner. The calls come from the link's threads and must return soon.
     */
    interface Listener {
        void command(Map<String, Object> command);

        /** A stream of commands was opened again, by the same server or by another. */
        void reconnected();

        /** The server will never serve this driver again. Called at most once. */
        void ended(String reason);
    }

    /** The server sends a line at least every 15 seconds. */
    private static final int READ_MILLIS = 45_000;
    private static final long RETRY_MILLIS_MIN = 100;
    private static final long RETRY_MILLIS_MAX = 5_000;

    private static final int FETCHES_MAX = 3;

    private final Settings settings;
    private final SSLContext tls;
    private final Outbox outbox;
    private final Listener listener;
    private final String boot = UUID.randomUUID().toString();
    private final CountDownLatch connected = new CountDownLatch(1);
    private final CountDownLatch closed = new CountDownLatch(1);
    /** Index of the server that answered last. */
    private volatile int current;
    private volatile long lastCommand;
    private volatile long lastContact = System.nanoTime();
    /** A server whose stream is open is there, even if it has nothing to say for a while. */
    private volatile boolean listening;

    ServerLink(Settings settings, Outbox outbox, Listener listener)
            throws GeneralSecurityException {
        this.settings = settings;
        this.tls = PinnedCertificate.context(settings.fingerprint);
        this.outbox = outbox;
        this.listener = listener;
    }

    void start() {
        Daemon.start("livy-commands", () -> repeat("commands", this::receiveCommands));
        Daemon.start("livy-events", () -> repeat("events", this::sendEvents));
        Daemon.start("livy-watch", this::watch);
    }

    void close() {
        closed.countDown();
    }

    private interface Conversation {
        /** Talks to the server until the connection breaks; reports progress by {@code worked}. */
        void run(Runnable worked) throws IOException, InterruptedException;
    }

    private void repeat(String what, Conversation conversation) {
        long[] pause = {0};
        while (closed.getCount() > 0) {
            try {
                conversation.run(() -> {
                    pause[0] = 0;
                    lastContact = System.nanoTime();
                });
            } catch (HttpStatusException answer) {
                if (answer.isFinal()) {
                    end("The server refused the " + what + ": " + answer.getMessage());
                    return;
                }
                pause[0] = pauseAfter(pause[0], what, answer);
            } catch (IOException | RuntimeException broken) {
                pause[0] = pauseAfter(pause[0], what, broken);
            } catch (InterruptedException stopped) {
                return;
            }
        }
    }

    /** An idle connection closed by the server is no trouble, so the first retry is at once. */
    private long pauseAfter(long before, String what, Exception failure) {
        if (before == 0) {
            return RETRY_MILLIS_MIN;
        }
        System.err.println("livy-driver: " + what + ": " + failure + "; trying again");
        try {
            // Many drivers may have lost the same server: they must not all come back at once.
            long half = before / 2;
            closed.await(
                    half + ThreadLocalRandom.current().nextLong(half + 1), TimeUnit.MILLISECONDS);
        } catch (InterruptedException stopped) {
            close();
        }
        return Math.min(before * 2, RETRY_MILLIS_MAX);
    }

    private void end(String reason) {
        boolean first;
        synchronized (this) {
            first = closed.getCount() > 0;
            close();
        }
        if (first) {
            listener.ended(reason);
        }
    }

    private String path(String what) {
        return "/driver/v1/sessions/" + settings.session + "/" + what + "?boot=" + boot
                + "&have=" + lastCommand;
    }

    private HttpConnection dial() throws IOException {
        return new HttpConnection(tls, settings.servers.get(current), settings.secret, READ_MILLIS);
    }

    /** Dials the servers in order, beginning with the last that answered. */
    private HttpConnection dialAny() throws IOException {
        IOException failure = null;
        for (int i = 0; i < settings.servers.size(); i++) {
            int at = (current + i) % settings.servers.size();
            try {
                HttpConnection connection = new HttpConnection(
                        tls, settings.servers.get(at), settings.secret, READ_MILLIS);
                current = at;
                return connection;
            } catch (IOException unreachable) {
                failure = unreachable;
            }
        }
        throw failure;
    }

    /** Fetches a file that the server has for this session. Tries again a few times. */
    void fetch(String name, Path to) throws IOException, InterruptedException {
        String path = "/driver/v1/sessions/" + settings.session + "/files/"
                + URLEncoder.encode(name, "UTF-8").replace("+", "%20") + "?boot=" + boot;
        for (int attempt = 1;; attempt++) {
            try (HttpConnection connection = dial()) {
                Files.copy(connection.get(path), to, StandardCopyOption.REPLACE_EXISTING);
                return;
            } catch (IOException failed) {
                boolean useless = failed instanceof HttpStatusException
                        && ((HttpStatusException) failed).isFinal();
                if (useless || attempt == FETCHES_MAX
                        || closed.await(RETRY_MILLIS_MAX, TimeUnit.MILLISECONDS)) {
                    throw failed;
                }
            }
        }
    }

    private void receiveCommands(Runnable worked) throws IOException {
        boolean answered = false;
        try (HttpConnection connection = dialAny()) {
            BufferedReader lines = new BufferedReader(new InputStreamReader(
                    connection.get(path("commands")), StandardCharsets.UTF_8));
            String line;
            while ((line = lines.readLine()) != null) {
                answered = true;
                listening = true;
                worked.run();
                receive(JsonReader.readObject(line));
            }
            throw new IOException("The server ended the stream");
        } catch (IOException broken) {
            // A server that accepts connections and cannot serve must not hide the next one.
            if (!answered) {
                current = (current + 1) % settings.servers.size();
            }
            throw broken;
        } finally {
            if (answered) {
                lastContact = System.nanoTime();
            }
            listening = false;
        }
    }

    private void receive(Map<String, Object> command) {
        String op = String.valueOf(command.get("op"));
        if (op.equals("hello")) {
            outbox.acknowledge(((Number) command.get("ack")).longValue());
            outbox.rewind();
            if (connected.getCount() == 0) {
                listener.reconnected();
            }
            connected.countDown();
        } else if (!op.equals("ping")) {
            long number = ((Number) command.get("seq")).longValue();
            if (number > lastCommand) {
                lastCommand = number;
                listener.command(command);
            }
        }
    }

    private void sendEvents(Runnable worked) throws IOException, InterruptedException {
        // The stream of commands finds the server that answers.
        connected.await();
        outbox.rewind();
        byte[] batch = outbox.take();
        try (HttpConnection connection = dial()) {
            do {
                String answer = connection.post(path("events"), batch);
                Object stored = JsonReader.readObject(answer).get("ack");
                if (!outbox.acknowledge(((Number) stored).longValue())) {
                    throw new IOException("The server stored events up to " + stored + " only");
                }
                worked.run();
                if (!connection.isReusable()) {
                    return;
                }
                batch = outbox.take();
            } while (closed.getCount() > 0);
        }
    }

    private void watch() {
        long lost = TimeUnit.MILLISECONDS.toNanos(settings.serverLostMillis);
        try {
            while (!closed.await(Math.min(lost / 4 + 1, 5_000_000_000L), TimeUnit.NANOSECONDS)) {
                if (!listening && System.nanoTime() - lastContact > lost) {
                    end("No answer of the server for " + settings.serverLostMillis + " ms");
                }
            }
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }
}
