package org.livy.driver;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/**
 * Runs statements of kind sparkr in an R process. SparkR there talks to Spark's own RBackend in
 * this driver; statements go by {@link RChannel}.
 */
final class RInterpreter implements Interpreter {
    private final int outputBytesMax;
    private final Object backend;
    private final ChildProcess child;
    private final RChannel channel;

    RInterpreter(Path folder, int outputBytesMax) throws InterpreterException {
        this.outputBytesMax = outputBytesMax;
        String packages = packageFolder();
        backend = Reflect.create(Reflect.type("org.apache.spark.api.r.RBackend"));
        Object portAndSecret = Reflect.call(backend, "init");
        Daemon.start("livy-r-backend", () -> Reflect.call(backend, "run"));
        try (RChannel.Listener listener = new RChannel.Listener();
                ScriptFolder scripts = new ScriptFolder(folder, "r_bootstrap.R")) {
            ProcessBuilder builder =
                    new ProcessBuilder(SparkAccess.setting("spark.r.shell.command",
                                               ChildProcess.environment("SPARKR_DRIVER_R", "R")),
                            "--no-save", "--no-restore", "--no-echo", "--file=" + scripts.first());
            Map<String, String> environment = builder.environment();
            environment.put("EXISTING_SPARKR_BACKEND_PORT",
                    String.valueOf(Reflect.call(portAndSecret, "_1")));
            environment.put("SPARKR_BACKEND_AUTH_SECRET",
                    (String) Reflect.call(Reflect.call(portAndSecret, "_2"), "secret"));
            environment.put("SPARKR_PACKAGE_DIR", packages);
            environment.put("LANGUAGE", "en");
            listener.describeTo(environment);
            builder.redirectOutput(ProcessBuilder.Redirect.INHERIT);
            child = new ChildProcess("R", builder);
            channel = listener.accept(child);
        } catch (IOException failed) {
            Reflect.call(backend, "close");
            throw new InterpreterException("R did not start: " + failed.getMessage(), failed);
        }
    }

    /** SPARKR_PACKAGE_DIR, the archive that YARN unpacked as ./sparkr, or SPARK_HOME/R/lib. */
    private static String packageFolder() throws InterpreterException {
        String home = System.getenv("SPARK_HOME");
        for (String folder : Arrays.asList(ChildProcess.environment("SPARKR_PACKAGE_DIR", ""),
                     "sparkr", home == null ? "" : home + "/R/lib")) {
            if (!folder.isEmpty() && new File(folder, "SparkR").isDirectory()) {
                return new File(folder).getAbsolutePath();
            }
        }
        throw new InterpreterException("The SparkR package is neither in SPARKR_PACKAGE_DIR, nor in"
                + " ./sparkr, nor in SPARK_HOME/R/lib");
    }

    @Override
    public Result execute(Statement statement, StatementOutput output) {
        try {
            RChannel.Answer answer =
                    channel.ask(statement.code, statement.jobGroup(), outputBytesMax);
            switch (answer.outcome) {
                case "INC":
                    return Result.error("Error", "incomplete statement");
                case "ERR":
                    List<String> calls = answer.calls.isEmpty()
                            ? Collections.emptyList()
                            : Arrays.asList(answer.calls.split("(?<=\n)"));
                    return Result.error("Error", answer.message, calls).withPrinted(answer.text);
                default:
                    return Result.ok(answer.data());
            }
        } catch (IOException gone) {
            return Result.died(child.howItEnded());
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
        Reflect.call(backend, "close");
    }
}
