package org.livy.driver;

import java.io.IOException;

/** The server answered, and not with 200. */
final class HttpStatusException extends IOException {
    private static final long serialVersionUID = 1L;

    private final int status;

    HttpStatusException(int status, String text) {
        super("HTTP " + status + ": " + text.trim());
        this.status = status;
    }

    /**
     * Whether asking again is useless: wrong secret, no such session, or another driver owns it.
     */
    boolean isFinal() {
        return status == 401 || status == 404 || status == 409;
    }
}
