package org.livy.driver;

import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The command, the environment and the module path of a Python process. */
final class PythonEnvironment {
    private PythonEnvironment() {}

    /**
     * The process that runs {@code script}. It works in Spark's folder of files, so what the user
     * added is at hand.
     */
    static ProcessBuilder process(Path script, Object gateway, int outputBytesMax) {
        String python = SparkAccess.setting(
                "spark.pyspark.python", ChildProcess.environment("PYSPARK_PYTHON", "python3"));
        String driverPython = SparkAccess.setting("spark.pyspark.driver.python",
                ChildProcess.environment("PYSPARK_DRIVER_PYTHON", python));
        ProcessBuilder builder =
                new ProcessBuilder(absoluteCommand(driverPython), "-u", script.toString());
        Object files =
                Reflect.callStatic(Reflect.type("org.apache.spark.SparkFiles"), "getRootDirectory");
        builder.directory(new File((String) files));
        Map<String, String> environment = builder.environment();
        environment.put(
                "PYSPARK_GATEWAY_PORT", String.valueOf(Reflect.call(gateway, "getListeningPort")));
        environment.put("PYSPARK_GATEWAY_SECRET", (String) Reflect.call(gateway, "secret"));
        environment.put("PYSPARK_PYTHON", python);
        environment.put("PYTHONPATH", modulePath(environment.get("PYTHONPATH")));
        environment.put("PYTHONIOENCODING", "utf-8");
        environment.put("PYTHONUNBUFFERED", "YES");
        environment.put("LIVY_DRIVER_OUTPUT_MAX", String.valueOf(outputBytesMax));
        return builder;
    }

    /**
     * Gives executors the modules that spark-submit was given. For a Python program it does so
     * itself, but this one is Java. On YARN it does in any case.
     */
    static void shareSubmittedFiles() {
        if (SparkAccess.setting("spark.master", "").startsWith("yarn")) {
            return;
        }
        for (String file : SparkAccess.setting("spark.submit.pyFiles", "").split(",")) {
            if (!file.isEmpty()) {
                Reflect.call(SparkAccess.context(), "addFile", file);
            }
        }
    }

    /**
     * A path relative to the driver's folder, as in an unpacked archive; names stay as they are.
     */
    private static String absoluteCommand(String command) {
        return command.indexOf('/') < 0 ? command : new File(command).getAbsolutePath();
    }

    /**
     * Where pyspark, py4j and the user's modules are: archives that the cluster names or placed in
     * the working folder, SPARK_HOME, what spark-submit was given, what was inherited.
     */
    private static String modulePath(String inherited) {
        List<String> path = new ArrayList<>();
        for (String archive : ChildProcess.environment("PYSPARK_ARCHIVES_PATH", "").split(",")) {
            if (!archive.isEmpty()) {
                path.add(new File(archive).getAbsolutePath());
            }
        }
        addArchives(path, new File("."));
        String home = System.getenv("SPARK_HOME");
        if (home != null) {
            addArchives(path, new File(home, "python/lib"));
        }
        for (String file : System.getProperty("spark.submit.pyFiles", "").split(",")) {
            if (!file.isEmpty()) {
                File local = new File(file.substring(file.lastIndexOf('/') + 1));
                String named = file.startsWith("file:") ? file.substring("file:".length()) : file;
                path.add(local.exists() ? local.getAbsolutePath() : named);
            }
        }
        if (inherited != null && !inherited.isEmpty()) {
            path.add(inherited);
        }
        return String.join(File.pathSeparator, path);
    }

    private static void addArchives(List<String> path, File folder) {
        File[] archives = folder.getAbsoluteFile().listFiles((in, name)
                                                                     -> name.equals("pyspark.zip")
                        || name.startsWith("py4j-") && name.endsWith(".zip"));
        if (archives != null) {
            for (File archive : archives) {
                path.add(archive.getPath());
            }
        }
    }
}
