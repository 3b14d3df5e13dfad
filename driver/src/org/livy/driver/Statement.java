package org.livy.driver;

/** A statement on its way through {@link StatementQueue}, whose lock guards what changes. */
final class Statement {
    enum State { WAITING, RUNNING, CANCELLING, FINISHED }

    final long id;
    final String kind;
    final String code;
    /** Rows that it may show; 0 leaves that to the session. */
    private final int rowsMax;
    final StatementOutput printed;
    State state = State.WAITING;
    /** Epoch milliseconds; 0 until then. */
    long startedAt;
    /** The thread that runs it; null before and after. */
    Thread runner;
    /** What runs it; null until that is started. */
    Interpreter interpreter;

    Statement(long id, String kind, String code, int rowsMax, StatementOutput printed) {
        this.id = id;
        this.kind = kind;
        this.code = code;
        this.rowsMax = rowsMax;
        this.printed = printed;
    }

    /** Rows that it may show, in a session that shows {@code otherwise}. */
    int rowsMax(int otherwise) {
        return rowsMax > 0 ? rowsMax : otherwise;
    }

    /** The Spark job group, and what progress and cancellation go by. */
    String jobGroup() {
        return String.valueOf(id);
    }
}
