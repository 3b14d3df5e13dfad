package org.livy.driver;

/** Starts threads that do not keep the driver alive. */
final class Daemon {
    /** The Scala compiler recurses deeply. */
    private static final long DEEP_STACK_BYTES = 16L << 20;

    private Daemon() {}

    static Thread start(String name, Runnable body) {
        return start(new Thread(body, name));
    }

    static Thread startDeep(String name, Runnable body) {
        return start(new Thread(null, body, name, DEEP_STACK_BYTES));
    }

    private static Thread start(Thread thread) {
        thread.setDaemon(true);
        thread.start();
        return thread;
    }
}
