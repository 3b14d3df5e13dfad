package org.livy.driver;

import java.util.Map;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Tells the server what a statement prints while it runs. What the server cannot take now is told
 * later or never: the statement's result has all of it.
 */
final class OutputEvents implements Runnable {
    static final int EVENT_BYTES_MAX = 64 << 10;
    static final long PAUSE_MILLIS = 100;

    private final Statement statement;
    private final StatementOutput output;
    private final StatementQueue queue;
    private final Outbox outbox;
    private final ScheduledExecutorService executor;
    private final AtomicBoolean scheduled = new AtomicBoolean();
    /** How much may still be told; a statement whose output is taken back may print more. */
    private long left;

    OutputEvents(Statement statement, StatementOutput output, StatementQueue queue, Outbox outbox,
            ScheduledExecutorService executor, int bytesMax) {
        this.statement = statement;
        this.output = output;
        this.queue = queue;
        this.outbox = outbox;
        this.executor = executor;
        left = bytesMax;
    }

    /** Something was printed. Called by the thread that printed it. */
    void printed() {
        if (scheduled.compareAndSet(false, true)) {
            executor.schedule(this, PAUSE_MILLIS, TimeUnit.MILLISECONDS);
        }
    }

    /** Tells what was printed since the last time. Called by the timer's one thread. */
    @Override
    public void run() {
        // First, so that what is printed from now on leads to another run.
        scheduled.set(false);
        String text;
        while (left > 0 && outbox.hasRoom()
                && !(text = output.next((int) Math.min(left, EVENT_BYTES_MAX))).isEmpty()) {
            left -= Utf8.length(text);
            Map<String, Object> event =
                    Json.object("event", "output", "id", statement.id, "text", text);
            if (!queue.tell(statement, event)) {
                return;
            }
        }
    }
}
