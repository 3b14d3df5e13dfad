package org.livy.driver;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Runs statements of kind pyspark in a Python process that shares the driver's SparkContext by
 * py4j. The process's own standard input and output carry one JSON object a line; it moves what the
 * user's code sees as such elsewhere before any of that runs.
 */
final class PythonInterpreter implements Interpreter {
    private static final long ASIDE_SECONDS_MAX = 2;
    /** Tells those who wait that no statement's runner reads any more. */
    private static final Map<String, Object> NOBODY_READS = Json.object();

    private final int sqlRowsMax;
    private final Object gateway;
    private final ChildProcess child;
    private final OutputStream toChild;
    private final BufferedReader fromChild;
    /** Held for a request and its answer. */
    private final ReentrantLock conversation = new ReentrantLock();
    private final ReentrantLock writing = new ReentrantLock();
    /** Files that are added while the session runs; the list grows. */
    private final List<String> files;
    /** How many of them the process knows. */
    private volatile int filesKnown;
    private volatile long request;
    private final AtomicLong completions = new AtomicLong();
    /** Where replies go that the statement's runner reads for others. */
    private final Map<Long, BlockingQueue<Map<String, Object>>> asides = new ConcurrentHashMap<>();
    /** The request of the statement that runs; 0 if none does. */
    private volatile long running;

    PythonInterpreter(Path folder, List<String> files, Settings settings)
            throws InterpreterException {
        this.files = files;
        sqlRowsMax = settings.sqlRowsMax;
        gateway = Reflect.create(Reflect.type("org.apache.spark.api.python.Py4JServer"),
                Reflect.call(SparkAccess.context(), "getConf"));
        Reflect.call(gateway, "start");
        PythonEnvironment.shareSubmittedFiles();
        try (ScriptFolder scripts =
                        new ScriptFolder(folder, "python_bootstrap.py", "livy_completion.py",
                                "livy_magics.py", "livy_output.py", "livy_statements.py")) {
            child = new ChildProcess("Python",
                    PythonEnvironment.process(scripts.first(), gateway, settings.outputBytesMax));
            toChild = child.process.getOutputStream();
            fromChild = new BufferedReader(
                    new InputStreamReader(child.process.getInputStream(), StandardCharsets.UTF_8));
            awaitReady();
        } catch (IOException | InterpreterException failed) {
            Reflect.call(gateway, "shutdown");
            throw new InterpreterException("Python did not start: " + failed.getMessage(), failed);
        }
    }

    private void awaitReady() throws IOException, InterpreterException {
        String line = fromChild.readLine();
        // What a site has Python run at its start may print.
        while (line != null && !line.startsWith("{\"ready\"") && !line.startsWith("{\"error\"")) {
            line = fromChild.readLine();
        }
        if (line == null) {
            throw new InterpreterException(child.howItEnded());
        }
        Object error = JsonReader.readObject(line).get("error");
        if (error != null) {
            throw new InterpreterException((String) error);
        }
    }

    /** Returns null at the end of the process. */
    private Map<String, Object> read() throws IOException {
        String line = fromChild.readLine();
        return line == null ? null : JsonReader.readObject(line);
    }

    private void write(Map<String, Object> message) throws IOException {
        byte[] line = (Json.write(message) + "\n").getBytes(StandardCharsets.UTF_8);
        writing.lock();
        try {
            toChild.write(line);
            toChild.flush();
        } finally {
            writing.unlock();
        }
    }

    /**
     * Returns null if the process has ended. What the request prints while it runs goes to {@code
     * output}.
     */
    private Map<String, Object> ask(Map<String, Object> message, StatementOutput output) {
        try {
            long id = ++request;
            message.put("id", id);
            running = id;
            write(message);
            Map<String, Object> reply;
            while ((reply = readReply(id)) != null) {
                Object printed = reply.get("output");
                if (printed == null) {
                    return reply;
                }
                byte[] text = ((String) printed).getBytes(StandardCharsets.UTF_8);
                output.write(text, 0, text.length);
            }
        } catch (IOException gone) {
            // As at the end.
        } finally {
            running = 0;
        }
        return null;
    }

    @Override
    public Result execute(Statement statement, StatementOutput output) {
        conversation.lock();
        try {
            if (!child.process.isAlive()) {
                return Result.died(
                        "Before this statement, which was not run: " + child.howItEnded());
            }
            tellAdded();
            Map<String, Object> reply =
                    ask(Json.object("op", "execute", "code", statement.code, "group",
                                statement.jobGroup(), "rows", statement.rowsMax(sqlRowsMax)),
                            output);
            return reply != null ? result(reply)
                                 : Result.died(child.howItEnded())
                                           .withPrinted(output.text())
                                           .truncatedIf(output.isCut());
        } finally {
            conversation.unlock();
            asides.values().forEach(aside -> aside.add(NOBODY_READS));
        }
    }

    @SuppressWarnings("unchecked")
    private static Result result(Map<String, Object> reply) {
        boolean cut = reply.containsKey("truncated");
        Object data = reply.get("data");
        if (data != null) {
            return Result.ok((Map<String, Object>) data).truncatedIf(cut);
        }
        List<String> traceback = new ArrayList<>();
        for (Object line : (List<Object>) reply.get("traceback")) {
            traceback.add((String) line);
        }
        return Result.error((String) reply.get("ename"), (String) reply.get("evalue"), traceback)
                .withPrinted((String) reply.get("stdout"))
                .truncatedIf(cut);
    }

    /** Tells the process of files that were added since the last time, also while code runs. */
    void tellAdded() {
        if (filesKnown == files.size()) {
            return;
        }
        writing.lock();
        try {
            while (filesKnown < files.size()) {
                write(Json.object("op", "add", "file", files.get(filesKnown)));
                filesKnown++;
            }
        } catch (IOException gone) {
            // The next process is told of all of them.
        } finally {
            writing.unlock();
        }
    }

    @Override
    public boolean follow() {
        return tellRunning("follow");
    }

    @Override
    public void interrupt(Thread runner) {
        tellRunning("interrupt");
    }

    /**
     * Tells the process something about the statement that runs. The number of its request goes
     * with it, so what comes late cannot hit the next one. Returns false if it could not.
     */
    private boolean tellRunning(String op) {
        long of = running;
        // While the statement itself is being sent this would have to wait.
        if (of == 0 || !writing.tryLock()) {
            return false;
        }
        try {
            write(Json.object("op", op, "of", of));
        } catch (IOException gone) {
            // Whoever waits for the answer notices.
        } finally {
            writing.unlock();
        }
        return true;
    }

    @Override
    public boolean kill(Thread runner) {
        child.kill();
        return true;
    }

    @Override
    public List<String> complete(String text) throws InterruptedException {
        long id = -completions.incrementAndGet();
        BlockingQueue<Map<String, Object>> replies = new LinkedBlockingQueue<>();
        asides.put(id, replies);
        try {
            write(Json.object("op", "complete", "id", id, "code", text));
            Map<String, Object> reply = awaitAside(id, replies);
            List<String> names = new ArrayList<>();
            if (reply != null) {
                ((List<?>) reply.get("candidates")).forEach(name -> names.add((String) name));
            }
            return names;
        } catch (IOException gone) {
            return Collections.emptyList();
        } finally {
            asides.remove(id);
        }
    }

    /** The reply to something besides the statements, read here if no statement's runner does. */
    private Map<String, Object> awaitAside(long id, BlockingQueue<Map<String, Object>> replies)
            throws IOException, InterruptedException {
        while (true) {
            if (conversation.tryLock()) {
                try {
                    // A runner may have read it just before.
                    Map<String, Object> reply = replies.poll();
                    return reply == null || reply == NOBODY_READS ? readReply(id) : reply;
                } finally {
                    conversation.unlock();
                }
            }
            Map<String, Object> reply = replies.poll(ASIDE_SECONDS_MAX, TimeUnit.SECONDS);
            if (reply != NOBODY_READS) {
                return reply;
            }
        }
    }

    /** Reads to the reply of this id; null at the end of the process. Others find their askers. */
    private Map<String, Object> readReply(long id) throws IOException {
        Map<String, Object> reply;
        while ((reply = read()) != null) {
            long of = ((Number) reply.get("id")).longValue();
            if (of == id) {
                break;
            }
            BlockingQueue<Map<String, Object>> aside = asides.get(of);
            if (aside != null) {
                aside.add(reply);
            }
        }
        return reply;
    }

    @Override
    public void close() {
        child.stop();
        Reflect.call(gateway, "shutdown");
    }
}
