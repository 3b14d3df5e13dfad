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
    /** How many REPLs came before. */
    private final int generation;
    private boolean begun;

    ScalaStart(String classFolder, List<URL> jars, Settings settings) {
        this(classFolder, jars, settings, 0);
    }

    private ScalaStart(String classFolder, List<URL> jars, Settings settings, int generation) {
        this.classFolder = classFolder;
        this.jars = jars;
        this.settings = settings;
        this.generation = generation;
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
            ScalaInterpreter interpreter =
                    new ScalaInterpreter(classFolder, jars, settings, generation);
            interpreter.bindSpark();
            started.complete(interpreter);
        } catch (Throwable failure) {
            failure.printStackTrace();
            started.completeExceptionally(failure);
        }
    }

    /** Whether the REPL was given up because its thread does not return. */
    boolean isAbandoned() {
        return started.isDone() && !started.isCompletedExceptionally()
                && started.join().isAbandoned();
    }

    /** The start of another REPL beside this one, which shares nothing with it but Spark. */
    ScalaStart next() {
        return new ScalaStart(classFolder, jars, settings, generation + 1);
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
