package org.livy.driver;

import java.util.ArrayList;
import java.util.List;

/** Runs statements of kind sql on the shared SparkSession. Needs no REPL. */
final class SqlInterpreter implements Interpreter {
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
            List<Object> data = new ArrayList<>();
            for (Object row : (Object[]) Reflect.call(frame, "take", rowsMax)) {
                data.add(SqlValues.row(row));
            }
            return Result.ok(
                    "application/json", Json.object("schema", new Json.Raw(schema), "data", data));
        } catch (VirtualMachineError | ThreadDeath notOfTheStatement) {
            throw notOfTheStatement;
        } catch (Throwable failure) {
            return Result.error(failure);
        } finally {
            SparkAccess.clearJobGroup();
        }
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
