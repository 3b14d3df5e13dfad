package org.livy.driver;

import java.io.IOException;
import java.nio.file.Paths;
import java.security.GeneralSecurityException;
import java.util.Collections;
import java.util.Map;

/** The program in the Spark driver: {@code spark-submit --class org.livy.driver.DriverMain}. */
public final class DriverMain implements ServerLink.Listener {
    private final Settings settings;
    private final Outbox outbox = new Outbox();
    private final DriverFolder folder;
    private final String classFolder;
    private final ServerLink link;
    private final Interpreters interpreters;
    private final AddedFiles files;
    /** Guarded by this. */
    private ScalaStart scala;
    private final StatementQueue statements;
    private final DriverEnd end;
    private final Commands commands;

    private DriverMain() throws IOException, GeneralSecurityException {
        settings = Settings.load();
        String parent =
                System.getProperty("spark.repl.classdir", System.getProperty("java.io.tmpdir"));
        folder = DriverFolder.create(Paths.get(parent));
        classFolder = folder.folder("classes").toString();
        link = new ServerLink(settings, outbox, this);
        interpreters = new Interpreters(this::startInterpreter);
        files = new AddedFiles(outbox, interpreters, folder.folder("added"), link::fetch);
        scala = new ScalaStart(classFolder, files.jars(), settings);
        statements = new StatementQueue(interpreters, outbox, new SparkJobGroups(),
                settings.cancelMillis, settings.outputBytesMax);
        end = new DriverEnd(outbox, interpreters, folder);
        commands =
                new Commands(statements, interpreters, files, outbox, settings.kind, end::orderly);
    }

    public static void main(String[] arguments) throws Exception {
        SystemOut.install();
        new DriverMain().run();
    }

    @Override
    public void command(Map<String, Object> command) {
        commands.handle(command);
    }

    @Override
    public void reconnected() {
        statements.report();
    }

    @Override
    public void ended(String reason) {
        end.withoutServer(reason);
    }

    private void run() throws InterruptedException {
        end.watchForExit();
        Daemon.start("livy-clean-up", folder::deleteLeftBehind);
        outbox.add(Json.object("event", "state", "state", "starting"));
        link.start();
        String kind = Interpreters.canonical(settings.kind);
        boolean startsWithScala = kind.equals("spark") || kind.equals("shared");
        if (startsWithScala) {
            scala.begin();
        }
        try {
            // Executors fetch the REPL's classes from here, so it must be known at Spark's start.
            SparkAccess.start(Collections.singletonMap("spark.repl.class.outputDir", classFolder));
            SparkAccess.whenStopped(
                    () -> statements.end(() -> end.sparkStopped(statements::awaitLast)));
            reportApplication();
            startFirst(startsWithScala ? "spark" : kind);
            statements.open();
        } catch (Throwable failure) {
            // Reflect lets checked exceptions through too.
            end.failed(failure);
        }
        end.await();
    }

    private void reportApplication() {
        Object context = SparkAccess.context();
        outbox.add(Json.object("event", "application", "appId",
                Reflect.call(context, "applicationId"), "uiUrl",
                ScalaValues.orNull(Reflect.call(context, "uiWebUrl")), "sparkVersion",
                Reflect.call(context, "version"), "scalaVersion", ScalaEngine.scalaVersion(),
                "javaVersion", System.getProperty("java.version")));
    }

    /** A session is idle when its kind is ready. If it cannot be, its statements will say why. */
    private void startFirst(String kind) throws InterruptedException {
        try {
            interpreters.get(kind);
        } catch (InterpreterException failure) {
            System.err.println("livy-driver: " + failure.getMessage());
        }
    }

    /** The REPL that was begun first; once its thread does not return, another. */
    private Interpreter scala() throws InterpreterException, InterruptedException {
        ScalaStart start;
        synchronized (this) {
            if (scala.isAbandoned()) {
                scala = scala.next();
            }
            start = scala;
        }
        return start.await();
    }

    private Interpreter startInterpreter(String kind)
            throws InterpreterException, InterruptedException {
        switch (kind) {
            case "spark":
                return scala();
            case "pyspark":
                return new PythonInterpreter(folder.path(), files.pythonFiles(), settings);
            case "sparkr":
                return new RInterpreter(folder.path());
            case "sql":
                return new SqlInterpreter(settings.sqlRowsMax);
            default:
                throw new InterpreterException("There is no kind " + kind);
        }
    }
}
