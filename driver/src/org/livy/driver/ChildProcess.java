package org.livy.driver;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A Python or R process: its start, its standard error in the driver's log, its end. */
final class ChildProcess {
    private static final int LINES_KEPT = 50;
    static final int LINE_CHARS_MAX = 8192;
    private static final int STOP_SECONDS = 5;
    private static final int SIGNALS_BEGIN = 128;
    private static final int SIGNAL_MAX = 64;
    private static final Map<Integer, String> SIGNALS = new HashMap<>();

    static {
        // The numbers that all of Linux and macOS share.
        SIGNALS.put(4, ", SIGILL");
        SIGNALS.put(6, ", SIGABRT");
        SIGNALS.put(8, ", SIGFPE");
        SIGNALS.put(9, ", SIGKILL, as when memory runs out");
        SIGNALS.put(11, ", SIGSEGV");
        SIGNALS.put(15, ", SIGTERM");
    }

    final Process process;
    private final String name;
    private final Thread log;
    private final ArrayDeque<String> lastLines = new ArrayDeque<>();

    ChildProcess(String name, ProcessBuilder builder) throws IOException {
        this.name = name;
        process = builder.start();
        log = Daemon.start("livy-" + name + "-log", this::copyErrors);
    }

    private void copyErrors() {
        try (BufferedReader lines = new BufferedReader(
                     new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8))) {
            String line;
            while ((line = readLine(lines)) != null) {
                System.err.println(name + ": " + line);
                synchronized (lastLines) {
                    if (lastLines.size() == LINES_KEPT) {
                        lastLines.poll();
                    }
                    lastLines.add(line);
                }
            }
        } catch (IOException ended) {
            // The process is gone, which its owner notices by its other streams.
        }
    }

    /** A line, or a part of one that does not end; null at the end. */
    static String readLine(Reader in) throws IOException {
        StringBuilder line = new StringBuilder();
        int c;
        while ((c = in.read()) >= 0 && c != '\n') {
            line.append((char) c);
            if (line.length() == LINE_CHARS_MAX) {
                return line.toString();
            }
        }
        return c < 0 && line.length() == 0 ? null : line.toString();
    }

    /** How it ended and the last lines of its standard error. Waits a little for the end. */
    String howItEnded() {
        String end = "its connection closed";
        try {
            if (process.waitFor(2, TimeUnit.SECONDS)) {
                end = describe(process.exitValue());
                log.join(1000);
            }
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
        synchronized (lastLines) {
            return name + " " + end + "\n" + String.join("\n", lastLines);
        }
    }

    /** Java, like a shell, adds 128 to the signal that ended a process. */
    private static String describe(int exitCode) {
        int signal = exitCode - SIGNALS_BEGIN;
        if (signal < 1 || signal > SIGNAL_MAX) {
            return "exit code " + exitCode;
        }
        String name = SIGNALS.getOrDefault(signal, "");
        return "exit code " + exitCode + " (signal " + signal + name + ")";
    }

    void kill() {
        process.destroyForcibly();
    }

    /**
     * Ends it: its standard input closes, it gets some seconds for its exit handlers, then force.
     */
    void stop() {
        try {
            process.getOutputStream().close();
        } catch (IOException gone) {
            // Then there is nothing to end.
        }
        try {
            process.waitFor(STOP_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException hurry) {
            Thread.currentThread().interrupt();
        }
        process.destroyForcibly();
    }

    /** A variable of the environment; empty ones count as missing. */
    static String environment(String variable, String otherwise) {
        String value = System.getenv(variable);
        return value == null || value.isEmpty() ? otherwise : value;
    }
}
