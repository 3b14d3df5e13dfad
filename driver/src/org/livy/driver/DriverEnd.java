package org.livy.driver;

import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** The end of the driver, whoever wants it. It happens once. */
final class DriverEnd {
    static final int EXIT_ORDERLY = 0;
    static final int EXIT_FAILED = 1;
    private static final long DRAIN_MILLIS = 5_000;
    /** Spark's own shutdown hooks run beside ours and must not be kept waiting for long. */
    private static final long DRAIN_IN_HOOK_MILLIS = 2_000;
    private static final long STOP_SECONDS_MAX = 60;

    private final Outbox outbox;
    private final Interpreters interpreters;
    private final DriverFolder folder;
    private final AtomicBoolean begun = new AtomicBoolean();
    private final CountDownLatch never = new CountDownLatch(1);

    DriverEnd(Outbox outbox, Interpreters interpreters, DriverFolder folder) {
        this.outbox = outbox;
        this.interpreters = interpreters;
        this.folder = folder;
    }

    /** Reports an end that comes from elsewhere: System.exit in a statement, or a signal. */
    void watchForExit() {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            if (begun.compareAndSet(false, true)) {
                reportDeath("The driver's process was told to exit", DRAIN_IN_HOOK_MILLIS);
            } else {
                // Another end is under way and may have something to report.
                drain(DRAIN_IN_HOOK_MILLIS);
            }
            folder.delete();
        }, "livy-exit"));
    }

    /** The server wants it. */
    void orderly() {
        begin(() -> {
            closeAll();
            reportDeath(null, DRAIN_MILLIS);
        }, EXIT_ORDERLY);
    }

    /** There is no server to report to. */
    void withoutServer(String reason) {
        System.err.println("livy-driver: " + reason + "; stopping");
        begin(this::closeAll, EXIT_FAILED);
    }

    /**
     * Spark was stopped by the session's code or by the cluster, and nothing can be done without.
     * {@code awaitLast} returns when the statements have had their say.
     */
    void sparkStopped(Runnable awaitLast) {
        String reason =
                "Spark was stopped, by spark.stop() or by the cluster, which ends the session";
        begin(() -> {
            System.err.println("livy-driver: " + reason);
            // First, because it ends what may still run, whose result comes before these.
            interpreters.close();
            awaitLast.run();
            outbox.add(Json.object("event", "state", "state", "error", "message", reason));
            reportDeath(reason, DRAIN_MILLIS);
        }, EXIT_FAILED);
    }

    /** Spark did not start. */
    void failed(Throwable failure) {
        failure.printStackTrace();
        begin(() -> {
            outbox.add(Json.object(
                    "event", "state", "state", "error", "message", String.valueOf(failure)));
            reportDeath(String.valueOf(failure), DRAIN_MILLIS);
        }, EXIT_FAILED);
    }

    /** Keeps the main thread: clusters take its return for the end of the application. */
    void await() throws InterruptedException {
        never.await();
    }

    private void begin(Runnable work, int exitCode) {
        if (!begun.compareAndSet(false, true)) {
            return;
        }
        Thread worker = Daemon.start("livy-end", work);
        Daemon.start("livy-exit", () -> {
            try {
                worker.join(TimeUnit.SECONDS.toMillis(STOP_SECONDS_MAX));
            } catch (InterruptedException hurry) {
                Thread.currentThread().interrupt();
            }
            // Threads of the user's code may still run.
            System.exit(exitCode);
        });
    }

    private void closeAll() {
        interpreters.close();
        try {
            SparkAccess.stop();
        } catch (Exception failure) {
            System.err.println("livy-driver: stopping Spark: " + failure);
        }
    }

    private void reportDeath(String message, long drainMillis) {
        Map<String, Object> event = Json.object("event", "state", "state", "dead");
        if (message != null) {
            event.put("message", message);
        }
        // A start or a statement that goes on beside this end has nothing more to say.
        outbox.addLast(event);
        drain(drainMillis);
    }

    private void drain(long millis) {
        try {
            outbox.drain(millis);
        } catch (InterruptedException hurry) {
            Thread.currentThread().interrupt();
        }
    }
}
