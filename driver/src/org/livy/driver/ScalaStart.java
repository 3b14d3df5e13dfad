package org.livy.driver;

import java.net.URL;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * Starts the Scala interpreter in a thread of its own, because its compiler takes longer to warm up
 * than Spark to start.
 */
final class ScalaStart {
    private final String classFolder;
    private final List<URL> jars;
    private final Settings settings;
    private final ClassLoader loader = Reflect.loader();
    private final CompletableFuture<ScalaInterpreter> started = new CompletableFuture<>();
    private boolean begun;

    ScalaStart(String classFolder, List<URL> jars, Settings settings) {
        this.classFolder = classFolder;
        this.jars = jars;
        this.settings = settings;
    }

    /** Begins, unless it has begun. */
    synchronized void begin() {
        if (!begun) {
            begun = true;
            Daemon.startDeep("livy-scala-start", this::run);
        }
    }

    private void run() {
        Thread.currentThread().setContextClassLoader(loader);
        try {
            ScalaInterpreter interpreter = new ScalaInterpreter(classFolder, jars, settings);
            interpreter.bindSpark();
            started.complete(interpreter);
        } catch (Throwable failure) {
            failure.printStackTrace();
            started.completeExceptionally(failure);
        }
    }

    /** Begins if need be and waits for the end. */
    ScalaInterpreter await() throws InterpreterException, InterruptedException {
        begin();
        try {
            return started.get();
        } catch (ExecutionException failed) {
            throw new InterpreterException(
                    "The Scala REPL did not start: " + failed.getCause(), failed);
        }
    }
}
