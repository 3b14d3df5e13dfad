package org.livy.driver;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * What the R process prints, on a connection of its own, so that it comes while a statement runs
 * and needs no memory beyond the statement's limit. R marks the end of each statement by a zero
 * byte, which no text of R can hold.
 */
final class RPrinted implements Closeable {
    private static final int END_OF_STATEMENT = 0;
    private static final int END_SECONDS_MAX = 5;

    private final Socket socket;
    private final Semaphore ends = new Semaphore(0);
    /** Of the running statement; null if none runs. */
    private volatile StatementOutput output;

    RPrinted(Socket socket) {
        this.socket = socket;
    }

    void start() {
        Daemon.start("livy-R-output", this::copy);
    }

    void begin(StatementOutput to) {
        ends.drainPermits();
        output = to;
    }

    /** Waits until all that the statement printed has come. */
    void end() {
        try {
            ends.tryAcquire(END_SECONDS_MAX, TimeUnit.SECONDS);
        } catch (InterruptedException late) {
            Thread.currentThread().interrupt();
        }
        output = null;
    }

    private void copy() {
        byte[] buffer = new byte[1 << 16];
        try (InputStream in = socket.getInputStream()) {
            int length;
            while ((length = in.read(buffer)) > 0) {
                pass(buffer, length);
            }
        } catch (IOException gone) {
            // Whoever waits for the statement's end notices.
        }
        ends.release();
    }

    private void pass(byte[] buffer, int length) {
        int from = 0;
        for (int i = 0; i <= length; i++) {
            boolean mark = i < length && buffer[i] == END_OF_STATEMENT;
            if ((mark || i == length) && i > from) {
                write(buffer, from, i - from);
            }
            if (mark) {
                from = i + 1;
                ends.release();
            }
        }
    }

    private void write(byte[] buffer, int offset, int length) {
        StatementOutput to = output;
        if (to != null) {
            to.write(buffer, offset, length);
        } else {
            SystemOut.LOG.write(buffer, offset, length);
            SystemOut.LOG.flush();
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
