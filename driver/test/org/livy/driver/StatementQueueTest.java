package org.livy.driver;

import static org.livy.driver.Cases.equal;
import static org.livy.driver.Cases.isTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;

final class StatementQueueTest {
    private StatementQueueTest() {}

    /** Waits for as long as it is told to, in the way the code says. */
    private static final class FakeInterpreter implements Interpreter {
        private final CountDownLatch entered = new CountDownLatch(1);
        private final CountDownLatch killed = new CountDownLatch(1);
        private final boolean killable;
        final List<String> executed = new CopyOnWriteArrayList<>();

        FakeInterpreter(boolean killable) {
            this.killable = killable;
        }

        @Override
        public Result execute(Statement statement, StatementOutput output)
                throws InterruptedException {
            switch (statement.code) {
                case "wait":
                    entered.countDown();
                    new CountDownLatch(1).await();
                    return null;
                case "resist":
                    entered.countDown();
                    while (killed.getCount() > 0) {
                        Thread.interrupted();
                    }
                    return Result.died("killed");
                case "print":
                    output.write('a');
                    killed.await();
                    return Result.ok("text/plain", "");
                case "fail":
                    throw new IllegalStateException("a defect");
                case "flood":
                    char[] text = new char[StatementQueue.OUTPUT_CHARS_MAX];
                    Arrays.fill(text, 'x');
                    return Result.ok("text/plain", new String(text));
                default:
                    executed.add(statement.code);
                    return Result.ok("text/plain", statement.code);
            }
        }

        @Override
        public void interrupt(Thread runner) {
            runner.interrupt();
        }

        @Override
        public boolean kill(Thread runner) {
            killed.countDown();
            return killable;
        }
    }

    private static final class NoJobs implements SparkJobs {
        @Override
        public boolean hasActive(String jobGroup) {
            return false;
        }

        @Override
        public void cancel(String jobGroup) {}

        @Override
        public double progress(String jobGroup) {
            return 0;
        }
    }

    /** A queue, and what it reported. */
    private static final class Bench {
        final Outbox outbox = new Outbox();
        final FakeInterpreter interpreter;
        final List<String> seen = new ArrayList<>();
        final StatementQueue queue;
        final CountDownLatch starting = new CountDownLatch(1);
        final CountDownLatch mayStart = new CountDownLatch(1);
        int starts;

        Bench(boolean killable, long cancelMillis) {
            interpreter = new FakeInterpreter(killable);
            queue = new StatementQueue(
                    new Interpreters(this::start), outbox, new NoJobs(), cancelMillis, 1000);
        }

        private Interpreter start(String kind) throws InterpreterException {
            starts++;
            if (kind.equals("sparkr")) {
                throw new InterpreterException("no R");
            } else if (kind.equals("pyspark")) {
                starting.countDown();
                // Like the pipe of a process, which an interrupt does not reach.
                while (mayStart.getCount() > 0) {
                    Thread.interrupted();
                }
            }
            return interpreter;
        }

        /** Reads events until there are so many in all. */
        void await(int count) throws InterruptedException {
            while (seen.size() < count) {
                String[] lines = new String(outbox.take(), StandardCharsets.UTF_8).split("\n");
                for (String line : lines) {
                    Map<String, Object> event = JsonReader.readObject(line);
                    Object id = event.get("id");
                    Object state = event.get("state");
                    Object output = event.get("output");
                    seen.add(event.get("event") + (id == null ? "" : " " + id)
                            + (state == null ? "" : " " + state)
                            + (output == null ? "" : " " + ((Map<?, ?>) output).get("status")));
                }
            }
        }
    }

    private static void addServers(Cases cases) {
        cases.add("What an earlier server has sent is not run again for a later one", () -> {
            Bench bench = new Bench(true, 60_000);
            bench.queue.report();
            bench.queue.open();
            bench.queue.submit(3, "spark", "a", 0);
            bench.await(5);
            bench.queue.submit(2, "spark", "older", 0);
            bench.queue.submit(3, "spark", "a", 0);
            bench.queue.submit(4, "spark", "wait", 0);
            bench.interpreter.entered.await();
            bench.queue.report();
            bench.await(8);
            equal("[state starting, state idle, started 3, finished 3 available ok, state idle,"
                            + " started 4, started 4, state busy]",
                    bench.seen.toString());
            equal("[a]", bench.interpreter.executed.toString());
            bench.queue.cancel(4);
        });
    }

    static void addTo(Cases cases) {
        addServers(cases);
        cases.add("Nothing runs before it is open, and idle comes when nothing is left", () -> {
            Bench bench = new Bench(true, 60_000);
            bench.queue.submit(0, "scala", "a", 0);
            bench.queue.submit(0, "spark", "the same number again", 0);
            bench.queue.submit(1, "spark", "b", 0);
            equal(0, bench.outbox.size());
            bench.queue.open();
            bench.await(6);
            equal("[state idle, started 0, finished 0 available ok, started 1,"
                            + " finished 1 available ok, state idle]",
                    bench.seen.toString());
            equal(1, bench.starts);
        });
        cases.add("A waiting statement is cancelled at once, a running one is interrupted", () -> {
            Bench bench = new Bench(true, 60_000);
            bench.queue.open();
            bench.queue.submit(0, "spark", "wait", 0);
            bench.queue.submit(1, "spark", "never", 0);
            bench.interpreter.entered.await();
            bench.queue.cancel(1);
            bench.queue.cancel(99);
            bench.await(3);
            equal("finished 1 cancelled", bench.seen.get(2));
            bench.queue.cancel(0);
            bench.await(5);
            equal("[finished 0 cancelled error, state idle]", bench.seen.subList(3, 5).toString());
        });
        cases.add("Code that resists is killed, and its interpreter starts anew", () -> {
            Bench bench = new Bench(true, 0);
            bench.queue.open();
            bench.queue.submit(0, "spark", "resist", 0);
            bench.interpreter.entered.await();
            bench.queue.cancel(0);
            bench.queue.submit(1, "spark", "next", 0);
            bench.await(6);
            isTrue(bench.seen.contains("finished 0 cancelled error"), bench.seen.toString());
            isTrue(bench.seen.contains("finished 1 available ok"), bench.seen.toString());
            equal(2, bench.starts);
        });
        cases.add(
                "A thread that cannot be stopped is abandoned and the next statement runs", () -> {
                    Bench bench = new Bench(false, 0);
                    bench.queue.open();
                    bench.queue.submit(0, "spark", "resist", 0);
                    bench.interpreter.entered.await();
                    bench.queue.submit(1, "spark", "next", 0);
                    bench.queue.cancel(0);
                    bench.await(6);
                    equal("[finished 0 cancelled error, started 1, finished 1 available ok, state "
                                    + "idle]",
                            bench.seen.subList(2, 6).toString());
                });
        cases.add("What is printed is told while the statement runs, and short ones tell nothing",
                () -> {
                    Bench bench = new Bench(true, 60_000);
                    bench.queue.open();
                    bench.queue.submit(0, "spark", "print", 0);
                    bench.await(3);
                    equal("output 0", bench.seen.get(2));
                    bench.queue.submit(1, "spark", "print", 0);
                    bench.interpreter.killed.countDown();
                    bench.await(7);
                    equal("[finished 0 available ok, started 1, finished 1 available ok, state "
                                    + "idle]",
                            bench.seen.subList(3, 7).toString());
                });
        addStartsAndEnds(cases);
    }

    private static void addStartsAndEnds(Cases cases) {
        cases.add("Who ends it all hears the result of what still ran first", () -> {
            Bench bench = new Bench(true, 60_000);
            bench.queue.open();
            bench.queue.submit(0, "spark", "resist", 0);
            bench.interpreter.entered.await();
            Thread end = new Thread(() -> {
                bench.queue.awaitLast();
                bench.outbox.add(Json.object("event", "end"));
            });
            end.start();
            while (end.getState() != Thread.State.TIMED_WAITING && end.isAlive()) {
                Thread.yield();
            }
            bench.interpreter.killed.countDown();
            bench.await(5);
            equal("finished 0 available error", bench.seen.get(2));
            equal("end", bench.seen.get(4));
        });
        cases.add("What is cancelled while its interpreter starts is not run", () -> {
            Bench bench = new Bench(true, 60_000);
            bench.queue.open();
            bench.queue.submit(0, "pyspark", "never", 0);
            bench.starting.await();
            bench.queue.cancel(0);
            bench.queue.cancel(0);
            bench.mayStart.countDown();
            bench.queue.submit(1, "pyspark", "next", 0);
            bench.await(5);
            equal("finished 0 cancelled error", bench.seen.get(2));
            equal(Collections.singletonList("next"), bench.interpreter.executed);
        });
        cases.add("Nor is what was given up while its interpreter started", () -> {
            Bench bench = new Bench(true, 0);
            bench.queue.open();
            bench.queue.submit(0, "pyspark", "never", 0);
            bench.starting.await();
            bench.queue.cancel(0);
            bench.await(4);
            equal("finished 0 cancelled error", bench.seen.get(2));
            // Both threads now start one, and the one that comes second takes the first's.
            bench.queue.submit(1, "pyspark", "next", 0);
            bench.mayStart.countDown();
            bench.await(7);
            equal(Collections.singletonList("next"), bench.interpreter.executed);
        });
        cases.add("An output that the server would refuse is an error", () -> {
            Bench bench = new Bench(true, 0);
            bench.queue.open();
            bench.queue.submit(0, "spark", "flood", 0);
            bench.await(4);
            equal("finished 0 available error", bench.seen.get(2));
        });
        cases.add("A missing interpreter and a defect are outputs", () -> {
            Bench bench = new Bench(true, 0);
            bench.queue.open();
            bench.queue.submit(0, "r", "1", 0);
            bench.queue.submit(1, "spark", "fail", 0);
            bench.await(6);
            isTrue(bench.seen.contains("finished 0 available error"), bench.seen.toString());
            isTrue(bench.seen.contains("finished 1 available error"), bench.seen.toString());
        });
    }
}
