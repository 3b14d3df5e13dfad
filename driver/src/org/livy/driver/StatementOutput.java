package org.livy.driver;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * What a statement writes, up to a limit. What comes after its end, from a thread it left behind,
 * goes to the driver's log and not into the next statement's output. Safe to use from several
 * threads.
 */
final class StatementOutput extends OutputStream {
    private final int bytesMax;
    private final PrintStream log;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private boolean cut;
    private boolean ended;

    StatementOutput(int bytesMax, PrintStream log) {
        this.bytesMax = bytesMax;
        this.log = log;
    }

    @Override
    public void write(int b) {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public synchronized void write(byte[] from, int offset, int length) {
        if (ended) {
            log.write(from, offset, length);
            log.flush();
            return;
        }
        int room = Math.min(length, bytesMax - bytes.size());
        cut |= room < length;
        bytes.write(from, offset, room);
    }

    /** All of it so far. A limit that was reached is said at its end. */
    synchronized String text() {
        String text = new String(bytes.toByteArray(), StandardCharsets.UTF_8);
        if (!cut) {
            return text;
        }
        // The cut may have gone through a character, which then reads as the replacement character.
        return text.replaceFirst("\ufffd+$", "") + "\n... output cut after " + bytesMax
                + " bytes\n";
    }

    /** Takes back everything written so far. */
    synchronized void clear() {
        bytes.reset();
        cut = false;
    }

    /** From now on everything goes to the log. */
    synchronized void end() {
        ended = true;
    }
}
