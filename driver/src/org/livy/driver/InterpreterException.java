package org.livy.driver;

/** An interpreter could not be started. The message says why, for a person. */
final class InterpreterException extends Exception {
    private static final long serialVersionUID = 1L;

    InterpreterException(String message) {
        super(message);
    }

    InterpreterException(String message, Throwable cause) {
        super(message, cause);
    }
}
