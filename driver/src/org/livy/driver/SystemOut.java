package org.livy.driver;

import java.io.OutputStream;
import java.io.PrintStream;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Java's {@code System.out}, sent to the running statement. It cannot tell threads apart: late
 * output of an earlier statement's thread comes out in the running one.
 */
final class SystemOut {
    /** The driver's log. */
    static final PrintStream LOG = System.out;

    private static final AtomicReference<StatementOutput> CURRENT = new AtomicReference<>();

    private SystemOut() {}

    /** Takes System.out over. To be called before Scala's Console copies it. */
    static void install() {
        System.setOut(StatementOutput.printer(new OutputStream() {
            @Override
            public void write(int b) {
                write(new byte[] {(byte) b}, 0, 1);
            }

            @Override
            public void write(byte[] from, int offset, int length) {
                StatementOutput current = CURRENT.get();
                if (current != null) {
                    current.write(from, offset, length);
                } else {
                    LOG.write(from, offset, length);
                    LOG.flush();
                }
            }
        }));
    }

    static void capture(StatementOutput output) {
        CURRENT.set(output);
    }

    /** Ends the capture, unless another statement's has begun. */
    static void release(StatementOutput output) {
        CURRENT.compareAndSet(output, null);
    }
}
