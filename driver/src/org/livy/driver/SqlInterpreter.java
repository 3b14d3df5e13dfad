package org.livy.driver;

import java.util.List;

/** Runs statements of kind sql on the shared SparkSession. Needs no REPL. */
final class SqlInterpreter implements Interpreter {
    /** Room for what stands around the rows. */
    private static final int ENVELOPE_CHARS = 1000;

    private final int rowsMax;

    SqlInterpreter(int rowsMax) {
        this.rowsMax = rowsMax;
    }

    @Override
    public Result execute(Statement statement, StatementOutput output) {
        SparkAccess.setJobGroup(statement.jobGroup());
        try {
            Object frame = Reflect.call(SparkAccess.session(), "sql", statement.code);
            String schema = (String) Reflect.call(Reflect.call(frame, "schema"), "json");
            SqlRows rows = SqlRows.first(frame, statement.rowsMax(rowsMax),
                    StatementQueue.OUTPUT_CHARS_MAX - schema.length() - ENVELOPE_CHARS);
            return Result
                    .ok("application/json",
                            Json.object("schema", new Json.Raw(schema), "data", rows.data))
                    .truncatedIf(rows.cut);
        } catch (VirtualMachineError | ThreadDeath notOfTheStatement) {
            throw notOfTheStatement;
        } catch (Throwable failure) {
            return Result.error(failure);
        } finally {
            SparkAccess.clearJobGroup();
        }
    }

    @Override
    public List<String> complete(String text) {
        return SqlCompletion.complete(text);
    }

    @Override
    public void interrupt(Thread runner) {
        runner.interrupt();
    }

    /** Spark's own code obeys an interrupt or the end of its job; a user's function may not. */
    @Override
    public boolean kill(Thread runner) {
        return false;
    }
}
