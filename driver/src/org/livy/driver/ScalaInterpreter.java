package org.livy.driver;

import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;

/** Runs statements of kind spark. */
final class ScalaInterpreter implements Interpreter {
    private static final String BINDINGS =
            "@transient val spark = _root_.org.livy.driver.SparkAccess.session"
            + ".asInstanceOf[org.apache.spark.sql.SparkSession]\n"
            + "@transient val sc = _root_.org.livy.driver.SparkAccess.context"
            + ".asInstanceOf[org.apache.spark.SparkContext]\n"
            + "@transient val sqlContext = spark.sqlContext";
    private static final String IMPORTS = "import org.apache.spark.SparkContext._\n"
            + "import spark.implicits._\nimport spark.sql\n"
            + "import org.apache.spark.sql.functions._";

    private final int outputBytesMax;
    private final int sqlRowsMax;
    private final ScalaEngine engine;
    /** Jars that are added while the session runs; the list grows. */
    private final List<URL> jars;
    private int jarsKnown;
    private volatile boolean abandoned;
    /** The engine's echoes and errors of the piece that runs, apart from what the piece prints. */
    private volatile StatementOutput messages;
    private volatile StatementOutput printed;

    ScalaInterpreter(String classFolder, List<URL> jars, Settings settings, int generation) {
        outputBytesMax = settings.outputBytesMax;
        sqlRowsMax = settings.sqlRowsMax;
        this.jars = jars;
        // The engine finds these by itself.
        jarsKnown = jars.size();
        messages = new StatementOutput(outputBytesMax, SystemOut.LOG);
        printed = messages;
        engine = new ScalaEngine(
                generation, classFolder, new PrintWriter(new OutputStreamWriter(new OutputStream() {
                    @Override
                    public void write(int b) {
                        messages.write(b);
                    }

                    @Override
                    public void write(byte[] from, int offset, int length) {
                        messages.write(from, offset, length);
                    }
                }, StandardCharsets.UTF_8), true));
    }

    /** Defines what statements start with. Compiles at once, and waits for Spark only to run. */
    void bindSpark() throws InterpreterException {
        engine.useClassLoader();
        for (String code : new String[] {BINDINGS, IMPORTS}) {
            if (engine.interpret(code, false) != ScalaEngine.Outcome.SUCCESS) {
                throw new InterpreterException(messages.text());
            }
            messages.clear();
        }
    }

    @Override
    public Result execute(Statement statement, StatementOutput output) throws InterruptedException {
        messages = new StatementOutput(outputBytesMax, SystemOut.LOG);
        printed = output;
        Thread runner = Thread.currentThread();
        ClassLoader before = runner.getContextClassLoader();
        SparkAccess.setJobGroup(statement.jobGroup());
        SystemOut.capture(output);
        engine.useClassLoader();
        try {
            while (jarsKnown < jars.size()) {
                engine.addJar(jars.get(jarsKnown++));
            }
            ScalaMagics magics = new ScalaMagics(this::valueOf, statement.rowsMax(sqlRowsMax));
            return withConsole(output, () -> runBlocks(statement.code, magics, output));
        } catch (CancellationException stoppedOutput) {
            throw new InterruptedException();
        } finally {
            runner.setContextClassLoader(before);
            SystemOut.release(output);
            SparkAccess.clearJobGroup();
        }
    }

    /** scala.Console, unlike System.out, is inherited by threads, so late output finds its way. */
    private static Result withConsole(StatementOutput output, Callable<Result> body) {
        return (Result) Reflect.call(Reflect.module("scala.Console"), "withOut",
                StatementOutput.printer(output), ScalaValues.function0(body));
    }

    private Result runBlocks(String code, ScalaMagics magics, StatementOutput output)
            throws InterruptedException {
        Result ofMagic = null;
        List<String> blocks = ScalaMagics.split(code);
        if (blocks.isEmpty()) {
            skipNamesOfNothing();
        }
        for (String block : blocks) {
            Result failed;
            if (ScalaMagics.isMagic(block)) {
                ofMagic = magics.run(block);
                failed = ofMagic.isError() ? ofMagic : null;
                output.clear();
            } else {
                failed = runBlock(block, output);
                ofMagic = output.text().isEmpty() ? ofMagic : null;
            }
            if (failed != null) {
                return failed.withPrinted(output.text()).truncatedIf(output.isCut());
            }
        }
        return ofMagic != null ? ofMagic
                               : Result.ok("text/plain", output.text()).truncatedIf(output.isCut());
    }

    /** In Livy, code without a statement uses up two names of results. */
    private void skipNamesOfNothing() {
        engine.skipResultName();
        engine.skipResultName();
    }

    /** Returns null unless it failed. */
    private Result runBlock(String block, StatementOutput output) throws InterruptedException {
        List<ScalaEngine.Piece> pieces = new ArrayList<>();
        String current = block;
        ScalaEngine.Outcome outcome = engine.split(block, pieces);
        if (outcome == ScalaEngine.Outcome.SUCCESS && pieces.isEmpty()) {
            skipNamesOfNothing();
        }
        for (ScalaEngine.Piece piece : pieces) {
            for (int i = 0; i < piece.blankLinesBefore; i++) {
                engine.skipResultName();
            }
            current = piece.code;
            outcome = engine.interpret(current, false);
            if (outcome != ScalaEngine.Outcome.SUCCESS) {
                break;
            }
            byte[] echo = messages.text().getBytes(StandardCharsets.UTF_8);
            output.write(echo, 0, echo.length);
            messages.clear();
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
        }
        String said = messages.text();
        boolean cut = messages.isCut();
        messages.clear();
        switch (outcome) {
            case ERROR:
                return ScalaErrors.parse(said, current).truncatedIf(cut);
            case INCOMPLETE:
                return Result.error("Error", "incomplete statement");
            default:
                return null;
        }
    }

    /** The value of an expression, by a line that hands it over. */
    private ScalaMagics.Found valueOf(String expression) {
        ReplBridge.take();
        // A comment may end the expression's line.
        String code = "_root_.org.livy.driver.ReplBridge.put(\n" + expression + "\n)";
        ScalaEngine.Outcome outcome = engine.interpret(code, true);
        String said = messages.text();
        messages.clear();
        Object[] found = ReplBridge.take();
        if (found != null) {
            return new ScalaMagics.Found(found[0], null);
        }
        boolean unknown = outcome != ScalaEngine.Outcome.ERROR || said.contains("not found: value");
        return new ScalaMagics.Found(
                null, unknown ? ScalaMagics.noSuchName(expression) : ScalaErrors.parse(said, code));
    }

    @Override
    public void interrupt(Thread runner) {
        printed.stop(runner);
        runner.interrupt();
    }

    /**
     * A loop that never blocks ignores interrupts. Java can stop such a thread until version 19.
     */
    @Override
    public boolean kill(Thread runner) {
        try {
            Thread.class.getMethod("stop").invoke(runner);
            return true;
        } catch (ReflectiveOperationException | UnsupportedOperationException newerJava) {
            return false;
        }
    }

    @Override
    public void abandon() {
        abandoned = true;
    }

    boolean isAbandoned() {
        return abandoned;
    }

    @Override
    public List<String> complete(String text) {
        return engine.complete(text, text.length());
    }

    @Override
    public void close() {
        engine.close();
    }
}
