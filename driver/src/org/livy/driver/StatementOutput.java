package org.livy.driver;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UnsupportedEncodingException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CancellationException;

/**
 * What a statement writes, up to a limit. What comes after its end, from a thread it left behind,
 * goes to the driver's log and not into the next statement's output. Safe to use from several
 * threads.
 */
final class StatementOutput extends OutputStream {
    private static final class Bytes extends ByteArrayOutputStream {
        String text(int from, int to) {
            return new String(buf, from, to - from, StandardCharsets.UTF_8);
        }

        /** The end of the last whole character that ends at {@code to} or before. */
        int characterEnd(int to) {
            int begin = to;
            do {
                begin--;
            } while (begin > 0 && to - begin < 4 && (buf[begin] & 0xc0) == 0x80);
            int lead = buf[begin] & 0xff;
            int length = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
            return begin + length > to ? begin : to;
        }
    }

    private final int bytesMax;
    private final PrintStream log;
    // Guarded by this.
    private final Bytes bytes = new Bytes();
    private boolean cut;
    private boolean ended;
    private int told;
    private Runnable listener;
    private Thread stopped;

    StatementOutput(int bytesMax, PrintStream log) {
        this.bytesMax = bytesMax;
        this.log = log;
    }

    /** A stream to {@code to} in UTF-8, whatever the machine's own character set is. */
    static PrintStream printer(OutputStream to) {
        try {
            return new PrintStream(to, true, "UTF-8");
        } catch (UnsupportedEncodingException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    @Override
    public void write(int b) {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] from, int offset, int length) {
        Runnable wake;
        synchronized (this) {
            if (ended) {
                log.write(from, offset, length);
                log.flush();
                return;
            }
            int room = Math.min(length, bytesMax - bytes.size());
            cut |= room < length;
            bytes.write(from, offset, room);
            wake = room > 0 ? listener : null;
            if (Thread.currentThread() == stopped) {
                throw new CancellationException("The statement was cancelled");
            }
        }
        if (wake != null) {
            wake.run();
        }
    }

    /** From now on {@code wake} is run after each write. It must return at once. */
    synchronized void listen(Runnable wake) {
        listener = wake;
    }

    /** What was written since the last call, at most about this much; empty if nothing was. */
    synchronized String next(int bytesAtMost) {
        if (told == bytes.size()) {
            return "";
        }
        int to = bytes.characterEnd(Math.min(told + Math.max(bytesAtMost, 4), bytes.size()));
        String text = bytes.text(told, Math.max(to, told));
        told = Math.max(to, told);
        return text;
    }

    /** All of it so far. A limit that was reached is said at its end. */
    synchronized String text() {
        if (!cut) {
            return bytes.text(0, bytes.size());
        }
        int end = bytes.size() == 0 ? 0 : bytes.characterEnd(bytes.size());
        return bytes.text(0, end) + "\n... output cut after " + bytesMax + " bytes\n";
    }

    /** Whether some of it is lost, because the limit was reached. */
    synchronized boolean isCut() {
        return cut;
    }

    /** Takes back everything written so far. */
    synchronized void clear() {
        bytes.reset();
        cut = false;
        told = 0;
    }

    /**
     * From now on {@code writer} fails when it writes: so an endless loop that prints ends, which
     * has no other way to notice that it should.
     */
    synchronized void stop(Thread writer) {
        stopped = writer;
    }

    /** From now on everything goes to the log. */
    synchronized void end() {
        ended = true;
        listener = null;
    }
}
