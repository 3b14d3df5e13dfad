package org.livy.driver;

import java.util.concurrent.atomic.AtomicReference;

/** Carries a value out of the Scala REPL. Public because statements' compiled code calls it. */
public final class ReplBridge {
    private static final AtomicReference<Object[]> VALUE = new AtomicReference<>();

    private ReplBridge() {}

    public static void put(Object value) {
        VALUE.set(new Object[] {value});
    }

    /** An array of what was put, which may be null; null if nothing was. */
    static Object[] take() {
        return VALUE.getAndSet(null);
    }
}
