package org.livy.driver;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/**
 * Runs statements one after the other in a thread of its own and reports them to the server. Safe
 * to use from several threads. Nothing runs before {@link #open}. The server bounds how many wait.
 */
final class StatementQueue {
    /**
     * Values and pictures have no limit of their own, and an event that the server refuses as too
     * large, which it does above 64 MiB, would be sent for ever. A character is up to three bytes.
     */
    static final int OUTPUT_CHARS_MAX = 16 << 20;

    /** For the result of a statement whose interpreter was closed. */
    private static final long LAST_MILLIS_MAX = 5_000;

    private final Interpreters interpreters;
    private final Outbox outbox;
    private final long cancelMillis;
    private final int outputBytesMax;
    private final StatementTimer timer;
    private final ArrayDeque<Statement> waiting = new ArrayDeque<>();
    private final Map<Long, Statement> unfinished = new HashMap<>();
    private Thread worker;
    private long lastId = -1;
    /** What to do when nothing runs any more; null as long as more may run. */
    private Runnable afterLast;

    StatementQueue(Interpreters interpreters, Outbox outbox, SparkJobs jobs, long cancelMillis,
            int outputBytesMax) {
        this.interpreters = interpreters;
        this.outbox = outbox;
        this.cancelMillis = cancelMillis;
        this.outputBytesMax = outputBytesMax;
        this.timer = new StatementTimer(this, outbox, jobs, cancelMillis, outputBytesMax);
    }

    /** Reports that the driver is ready and starts to run what waits. */
    synchronized void open() {
        outbox.add(Json.object("event", "state", "state", "idle"));
        worker = Daemon.startDeep("livy-statements", this::work);
    }

    /** Tells a server that has just come what it may not know of an earlier one. */
    synchronized void report() {
        for (Statement statement : unfinished.values()) {
            if (statement.startedAt > 0) {
                outbox.add(started(statement));
            }
        }
        String state = worker == null ? "starting" : unfinished.isEmpty() ? "idle" : "busy";
        outbox.add(Json.object("event", "state", "state", state));
    }

    /**
     * Ids only rise. A server that does not know what an earlier one has sent sends it again, and
     * what was taken is not run twice. {@code rowsMax} may be 0: then the session's limit counts.
     */
    synchronized void submit(long id, String kind, String code, int rowsMax) {
        if (id <= lastId) {
            return;
        }
        lastId = id;
        Statement statement =
                new Statement(id, Interpreters.canonical(kind), LineEnds.toLineFeeds(code), rowsMax,
                        new StatementOutput(outputBytesMax, SystemOut.LOG));
        unfinished.put(id, statement);
        waiting.add(statement);
        notifyAll();
    }

    /** Cancels a statement: at once if it waits, else as soon as it lets itself be stopped. */
    synchronized void cancel(long id) {
        Statement statement = unfinished.get(id);
        if (statement == null) {
            return;
        }
        if (statement.state == Statement.State.WAITING) {
            waiting.remove(statement);
            finish(statement, "cancelled", 0, null);
        } else if (statement.state == Statement.State.RUNNING) {
            statement.state = Statement.State.CANCELLING;
            timer.stop(statement);
        }
    }

    /** Lets nothing more begin and calls {@code then} when what runs has ended or had its time. */
    synchronized void end(Runnable then) {
        afterLast = then;
        timer.after(isBusy() ? cancelMillis : 0, then);
    }

    /** Waits until nothing runs any more and its result is told, for some seconds at most. */
    synchronized void awaitLast() {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(LAST_MILLIS_MAX);
        long left;
        while (isBusy() && (left = end - System.nanoTime()) > 0) {
            try {
                TimeUnit.NANOSECONDS.timedWait(this, left);
            } catch (InterruptedException hurry) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private boolean isBusy() {
        return unfinished.values().stream().anyMatch(s -> s.runner != null);
    }

    synchronized boolean isRunning(Statement statement) {
        return statement.runner != null;
    }

    /** Reports something about a running statement; returns false if it runs no more. */
    synchronized boolean tell(Statement statement, Map<String, Object> event) {
        if (statement.runner != null) {
            outbox.addDroppable(event);
        }
        return statement.runner != null;
    }

    /** Has the statement's output come while it runs; returns false to be asked again. */
    synchronized boolean follow(Statement statement) {
        return statement.interpreter != null && statement.interpreter.follow();
    }

    /** Interrupts what runs the statement, and never what runs after it. */
    synchronized void interrupt(Statement statement) {
        if (statement.runner == null) {
            return;
        }
        if (statement.interpreter == null) {
            statement.runner.interrupt();
        } else {
            statement.interpreter.interrupt(statement.runner);
        }
    }

    /** Stops the statement by force; returns false if that is impossible. */
    synchronized boolean kill(Statement statement) {
        return statement.runner == null
                || statement.interpreter != null && statement.interpreter.kill(statement.runner);
    }

    /**
     * Leaves a thread that cannot be stopped to itself and goes on in a new one. Returns that
     * thread, or null if the statement has ended.
     */
    synchronized Thread abandon(Statement statement) {
        Thread left = statement.runner;
        if (left != null) {
            System.err.println("livy-driver: statement " + statement.id + " cannot be stopped");
            worker = Daemon.startDeep("livy-statements", this::work);
            statement.runner = null;
            interpreters.forget(statement.kind);
            if (statement.interpreter != null) {
                statement.interpreter.abandon();
            }
            finish(statement, "cancelled", 0,
                    Result.error("Error",
                                  "The statement could not be stopped and still runs. "
                                          + "A new interpreter takes the place of its own.")
                            .toJson(statement.id));
        }
        return left;
    }

    private void work() {
        Statement statement;
        while ((statement = next()) != null) {
            try {
                run(statement);
            } catch (ThreadDeath late) {
                // It was meant for a statement that ended by itself in that moment.
                settle(statement, Result.error("Error", "The statement was stopped"), 0);
            }
        }
    }

    /** Waits for a statement; null if another thread has taken this one's place. */
    private synchronized Statement next() {
        while (worker == Thread.currentThread()) {
            Statement statement = afterLast == null ? waiting.poll() : null;
            if (statement != null) {
                statement.state = Statement.State.RUNNING;
                statement.runner = Thread.currentThread();
                return statement;
            }
            try {
                wait();
            } catch (InterruptedException meantForTheLastStatement) {
                continue;
            }
        }
        return null;
    }

    private static Map<String, Object> started(Statement statement) {
        return Json.object("event", "started", "id", statement.id, "at", statement.startedAt);
    }

    private synchronized void tellStarted(Statement statement) {
        statement.startedAt = System.currentTimeMillis();
        outbox.add(started(statement));
    }

    private void run(Statement statement) {
        tellStarted(statement);
        ScheduledFuture<?> watch = timer.watch(statement);
        long begin = System.nanoTime();
        Result result;
        try {
            Interpreter interpreter = interpreters.get(statement.kind);
            if (!enter(statement, interpreter)) {
                throw new InterruptedException();
            }
            begin = System.nanoTime();
            result = interpreter.execute(statement, statement.printed);
        } catch (InterpreterException notStarted) {
            result = Result.noInterpreter(notStarted.getMessage());
        } catch (InterruptedException | ThreadDeath stopped) {
            result = Result.error("Error", "The statement was stopped");
        } catch (Throwable defect) {
            defect.printStackTrace();
            result = Result.error("Internal Error: " + defect.getClass().getName(),
                    String.valueOf(defect.getMessage()));
        } finally {
            watch.cancel(false);
            statement.printed.end();
        }
        settle(statement, result, (System.nanoTime() - begin) / 1000);
    }

    /** Returns false if the statement was cancelled while its interpreter started. */
    private synchronized boolean enter(Statement statement, Interpreter interpreter) {
        statement.interpreter = interpreter;
        return statement.state == Statement.State.RUNNING;
    }

    private void settle(Statement statement, Result result, long micros) {
        String output = output(statement, result);
        if (result.interpreterDied()) {
            // The Spark session lives on; a new interpreter starts with the next statement.
            interpreters.drop(statement.kind, statement.interpreter);
        }
        synchronized (this) {
            Thread.interrupted();
            if (statement.runner != null) {
                statement.runner = null;
                boolean cancelled = statement.state == Statement.State.CANCELLING;
                finish(statement, cancelled ? "cancelled" : "available", micros, output);
            }
        }
    }

    private String output(Statement statement, Result result) {
        try {
            String output = result.boundedTo(outputBytesMax).toJson(statement.id);
            if (output.length() <= OUTPUT_CHARS_MAX) {
                return output;
            }
        } catch (OutOfMemoryError muchTooLarge) {
            // Nothing of it is kept, so the session goes on.
        }
        return Result
                .error("Error",
                        "The output has more than " + OUTPUT_CHARS_MAX + " characters of JSON")
                .toJson(statement.id);
    }

    private void finish(Statement statement, String state, long micros, String output) {
        statement.state = Statement.State.FINISHED;
        unfinished.remove(statement.id);
        notifyAll();
        Map<String, Object> finished = Json.object("event", "finished", "id", statement.id, "state",
                state, "at", System.currentTimeMillis(), "micros", micros, "output",
                output == null ? null : new Json.Raw(output));
        if (afterLast != null) {
            outbox.add(finished);
            timer.after(0, afterLast);
        } else if (unfinished.isEmpty() && worker != null) {
            outbox.add(finished, Json.object("event", "state", "state", "idle"));
        } else {
            outbox.add(finished);
        }
    }
}
