package org.livy.driver;

import java.util.Collections;
import java.util.List;

/**
 * Runs code of one kind inside the driver. {@link #execute} is called by one thread at a time;
 * {@link #interrupt} and {@link #kill} by another while it runs, and they must not block.
 */
interface Interpreter {
    /**
     * Runs the statement's code to its end; the Spark jobs it starts belong to the statement's job
     * group. What it prints goes to {@code output} as it comes. Failures of the code are results.
     * Throws only if it was stopped.
     */
    Result execute(Statement statement, StatementOutput output) throws InterruptedException;

    /**
     * From now on what the running code prints must get to its output while it runs. An interpreter
     * that does so anyway has nothing to do. Must not block; returns false to be asked again.
     */
    default boolean follow() {
        return true;
    }

    /** Asks the code that {@code runner} executes to stop. May be called again if it does not. */
    void interrupt(Thread runner);

    /** Stops the code by force. Returns false if there is no way to. */
    boolean kill(Thread runner);

    /** Its thread does not return, so it is not used any more; another takes its place. */
    default void abandon() {}

    /**
     * Names that could stand at the end of {@code text}, which is what is before the cursor; empty
     * if there are none or it cannot tell now. Called by one thread at a time while code may run.
     */
    default List<String> complete(String text) throws InterruptedException {
        return Collections.emptyList();
    }

    default void close() {}
}
