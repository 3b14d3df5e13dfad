package org.livy.driver;

import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Looks after running statements from outside: reports their progress, and stops them. */
final class StatementTimer {
    /** Not 1, which is for the end of a statement. */
    private static final double PROGRESS_MAX = 0.99;
    private static final long PROGRESS_MILLIS = 500;
    private static final long STEP_MILLIS = 200;
    /**
     * Steps between interrupts. A statement whose jobs were cancelled gets longer: it should end by
     * itself, with Spark's words, and an interrupt would tear an interpreter's connection to Spark,
     * or the REPL's account of the failure, in the middle.
     */
    private static final int STEPS_IDLE = 5;
    private static final int STEPS_WITH_JOBS = 10;
    private static final int LATE_STEPS = 5;
    private static final long LATE_STEP_MILLIS = 1_000;
    /** How long a thread may take to die before it is given up. */
    private static final long KILL_MILLIS = 5_000;

    private final StatementQueue queue;
    private final Outbox outbox;
    private final SparkJobs jobs;
    private final long cancelMillis;
    private final int outputBytesMax;
    private final ScheduledThreadPoolExecutor executor;

    StatementTimer(StatementQueue queue, Outbox outbox, SparkJobs jobs, long cancelMillis,
            int outputBytesMax) {
        this.queue = queue;
        this.outbox = outbox;
        this.jobs = jobs;
        this.cancelMillis = cancelMillis;
        this.outputBytesMax = outputBytesMax;
        executor = new ScheduledThreadPoolExecutor(1, body -> {
            Thread thread = new Thread(body, "livy-timer");
            thread.setDaemon(true);
            return thread;
        });
        executor.setRemoveOnCancelPolicy(true);
    }

    /**
     * Reports the statement's progress and output until the returned future is cancelled. One that
     * ends within the first pause costs no more than this call.
     */
    ScheduledFuture<?> watch(Statement statement) {
        return executor.scheduleWithFixedDelay(new Watch(statement), OutputEvents.PAUSE_MILLIS,
                PROGRESS_MILLIS, TimeUnit.MILLISECONDS);
    }

    private final class Watch implements Runnable {
        private final Statement statement;
        private final OutputEvents output;
        private boolean follows;
        private double reported;

        Watch(Statement statement) {
            this.statement = statement;
            output = new OutputEvents(
                    statement, statement.printed, queue, outbox, executor, outputBytesMax);
        }

        @Override
        public void run() {
            if (!follows) {
                statement.printed.listen(output::printed);
                follows = queue.follow(statement);
            }
            // Not only when something is printed: the server may have been behind then.
            output.run();
            double progress = Math.min(progress(statement), PROGRESS_MAX);
            if (progress > reported) {
                reported = progress;
                // One that was abandoned has ended for the server, whatever its jobs still do.
                queue.tell(statement,
                        Json.object("event", "progress", "id", statement.id, "progress", progress));
            }
        }
    }

    private double progress(Statement statement) {
        try {
            return jobs.progress(statement.jobGroup());
        } catch (Exception sparkIsStopping) {
            return 0;
        }
    }

    /** Calls {@code work} from the timer's thread, which it must not keep. */
    void after(long millis, Runnable work) {
        executor.schedule(work, millis, TimeUnit.MILLISECONDS);
    }

    /** Stops a running statement: asks for {@code cancelMillis}, then uses force. */
    void stop(Statement statement) {
        long begin = System.nanoTime();
        executor.execute(() -> step(statement, begin, -1));
    }

    /** {@code left}: steps until the next interrupt; negative at the first step. */
    private void step(Statement statement, long begin, int left) {
        if (!queue.isRunning(statement)) {
            cancelLateJobs(statement, LATE_STEPS);
            return;
        }
        long waited = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
        boolean hadJobs = cancelJobs(statement);
        int next = left < 0 && hadJobs ? STEPS_WITH_JOBS : Math.max(left, 0);
        if (waited >= cancelMillis) {
            if (waited > cancelMillis + KILL_MILLIS || !queue.kill(statement)) {
                wearDown(statement, queue.abandon(statement));
                return;
            }
        } else if (next == 0) {
            queue.interrupt(statement);
            next = hadJobs ? STEPS_WITH_JOBS : STEPS_IDLE;
        }
        int rest = next - 1;
        executor.schedule(() -> step(statement, begin, rest), STEP_MILLIS, TimeUnit.MILLISECONDS);
    }

    /**
     * Spark starts some jobs from threads of its own, which may come to it after an interrupt has
     * ended the statement. Nobody would wait for these.
     */
    private void cancelLateJobs(Statement statement, int stepsLeft) {
        cancelJobs(statement);
        if (stepsLeft > 0) {
            after(LATE_STEP_MILLIS, () -> cancelLateJobs(statement, stepsLeft - 1));
        }
    }

    /** Keeps a thread that was left to itself from going on with Spark. */
    private void wearDown(Statement statement, Thread left) {
        if (left != null && left.isAlive()) {
            cancelJobs(statement);
            left.interrupt();
            after(KILL_MILLIS, () -> wearDown(statement, left));
        }
    }

    private boolean cancelJobs(Statement statement) {
        try {
            boolean active = jobs.hasActive(statement.jobGroup());
            jobs.cancel(statement.jobGroup());
            return active;
        } catch (Exception sparkIsStopping) {
            return false;
        }
    }
}
