package org.livy.driver;

import java.util.Objects;

/** Named cases with checks: as much of a test library as these tests need. */
final class Cases {
    /** A case's body. */
    interface Body {
        void run() throws Exception;
    }

    private int passed;
    private int failed;

    void add(String sentence, Body body) {
        try {
            body.run();
            passed++;
        } catch (Throwable failure) {
            failed++;
            System.err.println("FAILED: " + sentence);
            failure.printStackTrace();
        }
    }

    /** Prints the result and returns whether all passed. */
    boolean report() {
        System.out.println(passed + " passed, " + failed + " failed");
        return failed == 0;
    }

    static void equal(Object expected, Object found) {
        if (!Objects.equals(expected, found)) {
            throw new AssertionError("expected " + expected + "\nbut found " + found);
        }
    }

    static void isTrue(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError(what);
        }
    }

    /** Checks that the body throws something whose message has the text in it. */
    static void fails(String text, Body body) {
        try {
            body.run();
        } catch (Exception expected) {
            isTrue(String.valueOf(expected.getMessage()).contains(text),
                    "the message is " + expected.getMessage());
            return;
        }
        throw new AssertionError("nothing was thrown");
    }
}
