package org.livy.driver;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The interpreters of a session, each started when it is first needed and again after it died. Safe
 * to use from several threads: one that could not be stopped may come back beside its successor.
 */
final class Interpreters {
    /** Starts an interpreter of a kind. */
    interface Factory {
        Interpreter start(String kind) throws InterpreterException, InterruptedException;
    }

    private final Factory factory;
    private final Map<String, Interpreter> started = new ConcurrentHashMap<>();

    Interpreters(Factory factory) {
        this.factory = factory;
    }

    /** Livy's other names of the kinds. */
    static String canonical(String kind) {
        switch (kind) {
            case "scala":
                return "spark";
            case "python":
                return "pyspark";
            case "r":
                return "sparkr";
            default:
                return kind;
        }
    }

    Interpreter get(String kind) throws InterpreterException, InterruptedException {
        Interpreter found = started.get(kind);
        if (found == null) {
            found = factory.start(kind);
            Interpreter earlier = started.putIfAbsent(kind, found);
            if (earlier != null && earlier != found) {
                close(found);
                found = earlier;
            }
        }
        return found;
    }

    /** Returns null if the kind is not in use yet. */
    Interpreter ifStarted(String kind) {
        return started.get(kind);
    }

    /** Leaves an interpreter whose thread does not return; the next statement gets another. */
    void forget(String kind) {
        started.remove(kind);
    }

    /** Closes a dead interpreter; the next statement gets another. */
    void drop(String kind, Interpreter dead) {
        started.remove(kind, dead);
        close(dead);
    }

    void close() {
        started.values().forEach(Interpreters::close);
    }

    private static void close(Interpreter interpreter) {
        try {
            interpreter.close();
        } catch (Exception failure) {
            System.err.println("livy-driver: closing an interpreter: " + failure);
        }
    }
}
