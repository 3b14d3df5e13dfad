package org.livy.driver;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Hands the server's commands to the parts that carry them out. {@link #handle} returns at once.
 */
final class Commands {
    /** Completions that wait; more are answered with nothing. */
    private static final int COMPLETIONS_MAX = 16;

    private static final int ROWS_MAX = 1_000_000;

    private final StatementQueue statements;
    private final Interpreters interpreters;
    private final AddedFiles files;
    private final Outbox outbox;
    private final String defaultKind;
    private final Runnable stop;
    private final ThreadPoolExecutor completions;

    Commands(StatementQueue statements, Interpreters interpreters, AddedFiles files, Outbox outbox,
            String defaultKind, Runnable stop) {
        this.statements = statements;
        this.interpreters = interpreters;
        this.files = files;
        this.outbox = outbox;
        this.defaultKind = defaultKind;
        this.stop = stop;
        ClassLoader loader = Reflect.loader();
        completions = new ThreadPoolExecutor(
                1, 1, 1, TimeUnit.MINUTES, new ArrayBlockingQueue<>(COMPLETIONS_MAX), body -> {
                    Thread thread = new Thread(null, body, "livy-completions", 16L << 20);
                    thread.setContextClassLoader(loader);
                    thread.setDaemon(true);
                    return thread;
                }, (body, executor) -> ((Completion) body).answer(Collections.emptyList()));
        completions.allowCoreThreadTimeOut(true);
    }

    void handle(Map<String, Object> command) {
        String op = (String) command.get("op");
        switch (op) {
            case "execute":
                statements.submit(
                        id(command), kind(command), (String) command.get("code"), rowsMax(command));
                break;
            case "cancel":
                statements.cancel(id(command));
                break;
            case "complete":
                completions.execute(new Completion(command));
                break;
            case "add":
                files.add(command);
                break;
            case "stop":
                stop.run();
                break;
            default:
                System.err.println("livy-driver: unknown command " + op);
        }
    }

    private static long id(Map<String, Object> command) {
        return ((Number) command.get("id")).longValue();
    }

    /** 0 if the command leaves it to the session. */
    private static int rowsMax(Map<String, Object> command) {
        Object given = command.get("rowsMax");
        return given == null ? 0
                             : (int) Math.max(1, Math.min(((Number) given).longValue(), ROWS_MAX));
    }

    private String kind(Map<String, Object> command) {
        Object kind = command.get("kind");
        return kind == null ? defaultKind : (String) kind;
    }

    /** The code before the cursor; null if the cursor is not within the code. */
    static String before(String code, Number cursor) {
        long at = cursor.longValue();
        if (at < 0 || at > code.length()) {
            return null;
        }
        boolean halved = at > 0 && at < code.length()
                && Character.isSurrogatePair(code.charAt((int) at - 1), code.charAt((int) at));
        return code.substring(0, (int) at - (halved ? 1 : 0));
    }

    private final class Completion implements Runnable {
        private final Map<String, Object> command;

        Completion(Map<String, Object> command) {
            this.command = command;
        }

        @Override
        public void run() {
            answer(find());
        }

        private List<String> find() {
            Interpreter interpreter = interpreters.ifStarted(Interpreters.canonical(kind(command)));
            String text = before((String) command.get("code"), (Number) command.get("cursor"));
            if (interpreter == null || text == null) {
                return Collections.emptyList();
            }
            try {
                return interpreter.complete(text);
            } catch (Exception | LinkageError | StackOverflowError failure) {
                System.err.println("livy-driver: completion: " + failure);
            }
            return Collections.emptyList();
        }

        void answer(List<String> candidates) {
            outbox.addDroppable(Json.object(
                    "event", "completion", "id", command.get("id"), "candidates", candidates));
        }
    }
}
