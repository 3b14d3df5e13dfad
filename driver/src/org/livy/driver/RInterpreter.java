package org.livy.driver;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Runs statements of kind sparkr in an R process. SparkR there talks to Spark's own RBackend in
 * this driver; without SparkR it is R alone. Statements go by {@link RChannel}.
 */
final class RInterpreter implements Interpreter {
    /** Spark's end for SparkR; null without SparkR. */
    private final Object backend;
    private final ChildProcess child;
    private final RChannel channel;
    /** Held for a request and its answer. */
    private final ReentrantLock conversation = new ReentrantLock();

    RInterpreter(Path folder) throws InterpreterException {
        String program = SparkAccess.setting(
                "spark.r.shell.command", ChildProcess.environment("SPARKR_DRIVER_R", "R"));
        String packages = packageFolder();
        backend = packages == null
                ? null
                : Reflect.create(Reflect.type("org.apache.spark.api.r.RBackend"));
        try (RChannel.Listener listener = new RChannel.Listener();
                ScriptFolder scripts = new ScriptFolder(folder, "r_bootstrap.R")) {
            ProcessBuilder builder = new ProcessBuilder(
                    program, "--no-save", "--no-restore", "--no-echo", "--file=" + scripts.first());
            describeSpark(packages, builder.environment());
            builder.environment().put("LANGUAGE", "en");
            listener.describeTo(builder.environment());
            // Code that reads finds an end and does not wait for one.
            builder.redirectInput(new File("/dev/null"));
            builder.redirectOutput(ProcessBuilder.Redirect.INHERIT);
            child = new ChildProcess("R", builder);
            channel = listener.accept(child);
        } catch (IOException failed) {
            closeBackend();
            throw new InterpreterException("R did not start: " + failed.getMessage(), failed);
        }
    }

    /** Starts the backend and tells R where it is, or why there is none. */
    private void describeSpark(String packages, Map<String, String> environment) {
        if (backend == null) {
            environment.put("LIVY_R_NO_SPARK",
                    "The SparkR package is neither in SPARKR_PACKAGE_DIR,"
                            + " nor in ./sparkr, nor in SPARK_HOME/R/lib");
            return;
        }
        Object portAndSecret = Reflect.call(backend, "init");
        Daemon.start("livy-r-backend", () -> Reflect.call(backend, "run"));
        environment.put(
                "EXISTING_SPARKR_BACKEND_PORT", String.valueOf(Reflect.call(portAndSecret, "_1")));
        environment.put("SPARKR_BACKEND_AUTH_SECRET",
                (String) Reflect.call(Reflect.call(portAndSecret, "_2"), "secret"));
        environment.put("SPARKR_PACKAGE_DIR", packages);
    }

    /**
     * SPARKR_PACKAGE_DIR, the archive that YARN unpacked as ./sparkr, or SPARK_HOME/R/lib; null if
     * SparkR is in none of them.
     */
    private static String packageFolder() {
        String home = System.getenv("SPARK_HOME");
        for (String folder : Arrays.asList(ChildProcess.environment("SPARKR_PACKAGE_DIR", ""),
                     "sparkr", home == null ? "" : home + "/R/lib")) {
            if (!folder.isEmpty() && new File(folder, "SparkR").isDirectory()) {
                return new File(folder).getAbsolutePath();
            }
        }
        return null;
    }

    @Override
    public Result execute(Statement statement, StatementOutput output) {
        conversation.lock();
        try {
            RChannel.Answer answer = channel.run(statement.jobGroup(), statement.code, output);
            Result result = answer.outcome.equals("OK")
                    ? Result.ok(answer.data(output.text()))
                    : Result.error("Error", answer.message).withPrinted(output.text());
            return result.truncatedIf(output.isCut());
        } catch (IOException gone) {
            return Result.died(child.howItEnded())
                    .withPrinted(output.text())
                    .truncatedIf(output.isCut());
        } finally {
            conversation.unlock();
        }
    }

    /** R does one thing at a time: while a statement runs it cannot tell. */
    @Override
    public List<String> complete(String text) {
        if (!conversation.tryLock()) {
            return Collections.emptyList();
        }
        try {
            String found = channel.ask("COMPLETE", "0", text).message;
            return found.isEmpty() ? Collections.emptyList() : Arrays.asList(found.split("\n"));
        } catch (IOException gone) {
            return Collections.emptyList();
        } finally {
            conversation.unlock();
        }
    }

    @Override
    public void interrupt(Thread runner) {
        try {
            // Java 8 has no way to send a signal that can be handled.
            new ProcessBuilder("kill", "-INT", channel.pid()).start();
        } catch (IOException failed) {
            System.err.println("livy-driver: cannot interrupt R: " + failed);
        }
    }

    @Override
    public boolean kill(Thread runner) {
        child.kill();
        return true;
    }

    @Override
    public void close() {
        channel.close();
        child.stop();
        closeBackend();
    }

    private void closeBackend() {
        if (backend != null) {
            Reflect.call(backend, "close");
        }
    }
}
