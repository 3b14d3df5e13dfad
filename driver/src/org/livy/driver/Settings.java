package org.livy.driver;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Properties;

/**
 * What the server told this driver at its launch. spark-submit turns every {@code spark.*} entry of
 * its properties file into a system property of the driver in all deploy modes, so that is the one
 * channel used; a file named by the environment variable {@code LIVY_DRIVER_CONF} adds to it.
 */
final class Settings {
    static final String PREFIX = "spark.livy.driver.";
    static final String SECRET_KEY = PREFIX + "secret";

    /** Host and port pairs, in the order to try them. */
    final List<String> servers;
    final String session;
    final String secret;
    /** SHA-256 of the server's certificate, lower case hexadecimal without colons. */
    final String fingerprint;
    final String kind;
    final int outputBytesMax;
    final int sqlRowsMax;
    final long serverLostMillis;
    final long cancelMillis;

    private Settings(Properties from) {
        servers = Collections.unmodifiableList(new ArrayList<>(
                Arrays.asList(required(from, "servers").trim().split("\\s*,\\s*"))));
        session = required(from, "session");
        secret = required(from, "secret");
        fingerprint = required(from, "fingerprint").replace(":", "").toLowerCase(Locale.ROOT);
        kind = from.getProperty(PREFIX + "kind", "shared");
        outputBytesMax = (int) number(from, "outputBytesMax", 1 << 20);
        sqlRowsMax = (int) number(from, "sqlRowsMax", 1000);
        serverLostMillis = number(from, "serverLostMillis", 600_000);
        cancelMillis = number(from, "cancelMillis", 30_000);
    }

    static Settings of(Properties from) {
        return new Settings(from);
    }

    /** Reads the settings and takes the secret out of the system properties. */
    static Settings load() throws IOException {
        Properties all = new Properties();
        String file = System.getenv("LIVY_DRIVER_CONF");
        if (file != null) {
            try (Reader in = Files.newBufferedReader(Paths.get(file), StandardCharsets.UTF_8)) {
                all.load(in);
            }
        }
        for (String name : System.getProperties().stringPropertyNames()) {
            if (name.startsWith(PREFIX)) {
                all.setProperty(name, System.getProperty(name));
            }
        }
        // Not for the user's code, the UI's list of system properties or a SparkConf made of them.
        System.clearProperty(SECRET_KEY);
        return new Settings(all);
    }

    private static String required(Properties from, String name) {
        String value = from.getProperty(PREFIX + name);
        if (value == null || value.trim().isEmpty()) {
            throw new IllegalArgumentException("The setting " + PREFIX + name + " is missing");
        }
        return value;
    }

    private static long number(Properties from, String name, long otherwise) {
        String value = from.getProperty(PREFIX + name);
        if (value == null) {
            return otherwise;
        }
        try {
            return Long.parseLong(value.trim());
        } catch (NumberFormatException notNumber) {
            throw new IllegalArgumentException(
                    "The setting " + PREFIX + name + " is not a number: " + value, notNumber);
        }
    }
}
